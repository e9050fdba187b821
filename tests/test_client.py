"""The client of the service, against the service itself and against one that throttles, fails and goes away."""

import uuid
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from serving import client as module
from serving.client import Client, Problem
from tests.market_home import MarketHome, a_key
from tests.receivers import Answer, Asked, Fault, Receiver, said


@pytest.fixture
def client(market_home: MarketHome) -> Client:
    return Client(url=market_home.url, key=market_home.key)


class Moody(Receiver):
    """A service that takes feedback once a key, as ours does."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[str, object] = {}

    def answer(self, asked: Asked) -> Answer:
        self.kept.setdefault(asked.headers.get("idempotency-key", ""), asked.json if asked.body else None)
        return said({"kept": 1, "errors": []})

    def effects(self) -> list[str]:
        return list(self.kept)


@pytest.fixture
def moody() -> Iterator[Moody]:
    service = Moody()
    with service.running():
        yield service


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def patient(moody: Moody, waits: list[float]) -> Client:
    return Client(url=moody.url, key="ebb_secret", timeout=5, sleep=waits.append)


def test_is_short_and_stands_alone() -> None:
    """Under 150 lines, and nothing to import but the standard library: it can be copied."""
    text = Path(str(module.__file__)).read_text()
    assert len(text.splitlines()) < 150
    assert not [
        line for line in text.splitlines() if line.startswith(("from features", "from serving", "import httpx"))
    ]


def test_scores_in_the_order_asked_for(client: Client) -> None:
    """Known accounts are scored in order, unknown ones come back as errors; nothing asked, nothing answered."""
    known = [item["account_id"] for item in islice(client.worklist(), 3)]
    found = client.score([*reversed(known), "nobody"])
    assert [score["account_id"] for score in found["scores"]] == known[::-1]
    assert [error["account_id"] for error in found["errors"]] == ["nobody"]
    assert client.score([]) == {"scores": [], "errors": [], "stale": None}


def test_any_number_of_accounts(client: Client) -> None:
    """More accounts than one request may hold are asked for in several."""
    found = client.score([f"nobody-{number}" for number in range(module.AT_ONCE + 1)])
    assert [error["account_id"] for error in found["errors"]][-2:] == [f"nobody-{module.AT_ONCE - 1}", "nobody-10000"]


def test_pages_of_the_worklist(client: Client) -> None:
    """Whatever the size of a page, the same accounts come in the same order, once; a choice holds on every page."""
    whole = list(client.worklist(page=1000))
    assert len(whole) > 14
    assert list(client.worklist(page=7)) == whole
    assert len({item["account_id"] for item in whole}) == len(whole)
    band = whole[0]["band"]
    assert list(client.worklist(page=2, band=band)) == [item for item in whole if item["band"] == band]


def test_one_account_and_the_rest(client: Client) -> None:
    """An account, the model, the forecast, and the caller's own signals."""
    account = next(client.worklist(page=1))["account_id"]
    assert client.account(account)["score"]["account_id"] == account
    signal = client.model()["signals"][0]
    brought = client.score_signals([{"account_id": "x", "signals": {signal: 1.0}}])
    assert 0 < brought["scores"][0]["risk"] < 1
    assert client.forecast()["months"]


def test_what_is_sent_is_kept_once(client: Client) -> None:
    """The same request under the same key is kept once; another one under it is a problem."""
    account, once = next(client.worklist(page=1))["account_id"], str(uuid.uuid4())
    feedback = {"account_id": account, "reason": "other", "note": "we know them"}
    assert client.feedback([feedback], idempotency_key=once) == client.feedback([feedback], idempotency_key=once)
    with pytest.raises(Problem) as refused:
        client.feedback([{**feedback, "note": "something else"}], idempotency_key=once)
    assert refused.value.status == 422
    assert client.outcomes([{"account_id": "nobody", "outcome": "renewed", "decided_on": "2025-01-01"}])["errors"]


def test_refusals_are_problems(client: Client, market_home: MarketHome) -> None:
    """What the service refuses is raised with its status and its sentence, at once, and without the key."""
    with pytest.raises(Problem, match="no account") as missing:
        client.account("no/body ?")
    assert (missing.value.status, missing.value.title) == (404, "Not Found")
    reader = Client(url=market_home.url, key=a_key(market_home.folder, "client-read", "read"))
    with pytest.raises(Problem, match="scope score") as refused:
        reader.score(["a"])
    assert refused.value.status == 403
    assert reader.key not in repr(reader) + str(refused.value)


@pytest.mark.parametrize("status", [429, 503])
def test_waits_as_long_as_it_is_told(status: int, moody: Moody, patient: Client, waits: list[float]) -> None:
    """Throttled or away, it tries again after Retry-After."""
    moody.faults += [Fault(status=status, headers={"Retry-After": "7"})] * 2
    assert patient.feedback([])["kept"] == 1
    assert waits == [7, 7]


def test_backs_off_where_nothing_is_told(moody: Moody, patient: Client, waits: list[float]) -> None:
    """Without Retry-After it waits longer each time, and gives up after four tries with the last problem."""
    moody.faults += [Fault(status=503, body=b"not a problem document")] * 4
    with pytest.raises(Problem, match="503"):
        patient.model()
    assert [low <= wait <= 2 * low for low, wait in zip((0.5, 1, 2), waits, strict=True)] == [True] * 3
    assert len(moody.asked) == 4


def test_lost_answers_are_not_sent_twice(moody: Moody, patient: Client) -> None:
    """A request whose answer was lost is tried again under the same key, which the service keeps once."""
    moody.faults.append(Fault(lost=True))
    assert patient.feedback([{"account_id": "a", "reason": "other"}])["kept"] == 1
    assert len(moody.asked) == 2
    assert len(moody.effects()) == 1


def test_too_long_a_wait_is_a_problem(moody: Moody, patient: Client, waits: list[float]) -> None:
    """Whoever is told to come back in an hour is told so instead of waiting."""
    moody.faults.append(Fault(status=429, headers={"Retry-After": "Fri, 31 Dec 2100 23:59:59 GMT"}))
    with pytest.raises(Problem, match="429"):
        patient.model()
    assert waits == []


def test_follows_no_redirect(moody: Moody, patient: Client) -> None:
    """A redirect is a problem: the key goes nowhere else."""
    moody.faults.append(Fault(status=302, headers={"Location": f"{moody.url}/elsewhere"}))
    with pytest.raises(Problem, match="302"):
        patient.model()
    assert len(moody.asked) == 1


def test_nobody_there() -> None:
    """Where nobody answers it says so; what is no address of a service is refused."""
    waits: list[float] = []
    with pytest.raises(Problem, match="no answer") as nobody:
        Client(url="http://127.0.0.1:1", key="k", tries=2, sleep=waits.append).model()
    assert nobody.value.status == 0
    assert len(waits) == 1
    with pytest.raises(ValueError, match="begins with https"):
        Client(url="file:///etc/passwd", key="k")
