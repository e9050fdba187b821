"""One account: its risk and why, what would help, and everything people do about it."""

import secrets
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Final

from pydantic import ValidationError
from starlette.responses import Response

from features.errors import EbbError
from serving import problems
from serving.acts import KINDS, Act, Acts, ConflictError, Kind, Standing
from serving.explained import Explained
from serving.web import paths, words
from serving.web.drawing import bars, over_time, share
from serving.web.today import named
from serving.web.visit import Visit, to
from serving.wire_sent import Feedback, ToldOutcome

HISTORY: Final = 104
FIELDS: Final[Mapping[Kind, tuple[str, ...]]] = {
    "snooze": ("until",),
    "note": ("text",),
    "touch": ("kind_of", "on", "text"),
    "wrong": ("reason", "text"),
    "outcome": ("outcome", "decided_on"),
    "done": ("text",),
}
LONGEST: Final = 2_000


class UntoldError(EbbError):
    """A form lacks something, or says something that cannot be."""


def account(visit: Visit) -> Response:
    """The page."""
    return _shown(visit)


def act(visit: Visit) -> Response:
    """Do what a form says, and show the account; what cannot be done is said, with everything that was typed kept."""
    found = _found(visit)
    if found is None:
        return _missing(visit)
    try:
        _do(visit, found)
    except UntoldError as error:
        return _shown(visit, 422, str(error))
    except ConflictError:
        acts = Acts(visit.workspace.desk.store.database).of(found.score.account_id)
        seen = _version(visit)
        return visit.page(
            "conflict.html",
            409,
            score=found.score,
            since=[one for one in acts if one.version > seen],
            did=words.did,
            version=acts[0].version if acts else 0,
            form={name: value for name, value in visit.form.items() if name not in ("csrf", "version")},
        )
    return to(f"{paths.account(found.score.account_id)}?told={visit.form.get('kind', '')}")


def _shown(visit: Visit, status: int = 200, fault: str = "") -> Response:
    found = _found(visit)
    if found is None:
        return _missing(visit)
    score, desk, today = found.score, visit.workspace.desk, datetime.now(UTC).date()
    acts = Acts(desk.store.database).of(score.account_id)
    standing = Standing()
    for one in reversed([one for one in acts if one.kind in ("take", "release", "snooze", "done", "reopen")]):
        standing = standing.after(one)
    told = visit.request.query_params.get("told")
    return visit.page(
        "account.html",
        status,
        found=found,
        score=score,
        item=found.item,
        line=named(visit.workspace.shelves.latest().lines, score.account_id),
        over=over_time(found.history, found.run.base),
        bars=bars(score),
        average=share(score.base),
        standing=standing.of(score.contract_id),
        today=today,
        soon=[today + timedelta(days=days) for days in (7, 14, 30)],
        acts=acts,
        version=acts[0].version if acts else 0,
        once=secrets.token_urlsafe(12),
        fault=fault,
        told=told if told in KINDS else "",
        typed=defaultdict(str, visit.form if fault else {}),
        did=words.did,
        words=words,
    )


def _found(visit: Visit) -> Explained | None:
    return visit.workspace.desk.account(visit.request.path_params["account_id"], past=HISTORY)


def _missing(visit: Visit) -> Response:
    said = "No account of this id is in the latest book. It may have left, or have no open term."
    return visit.page("fault.html", 404, title="No such account", said=said)


def _version(visit: Visit) -> int:
    text = visit.form.get("version", "")
    return int(text) if text.isdecimal() and len(text) < 9 else -1


def _do(visit: Visit, found: Explained) -> None:
    """Keep an act, and hand outcomes and feedback on to where training and review find them."""
    kind = next((one for one in KINDS if one == visit.form.get("kind")), None)
    once = visit.form.get("once", "")[:64]
    if kind is None or not once:
        raise UntoldError("the form does not say what to do")
    if not visit.who.may_act and kind != "wrong":
        raise UntoldError("an analyst reads, and may say that a score is wrong; ask an admin for another role")
    score, acts = found.score, Acts(visit.workspace.desk.store.database)
    done = Act(
        person=visit.who.name,
        account_id=score.account_id,
        contract_id=score.contract_id,
        kind=kind,
        told=_told(kind, visit.form),
        version=_version(visit),
    )
    if not acts.seen(done.account_id, done.version, once):
        _hand_on(visit, done, once)
        acts.add(done, once)


def _told(kind: Kind, form: Mapping[str, str]) -> dict[str, str]:
    """What the form says, checked."""
    told = {name: form.get(name, "").strip()[:LONGEST] for name in FIELDS.get(kind, ())}
    if kind == "note" and not told["text"]:
        raise UntoldError("a note needs words")
    for name in ("until", "on", "decided_on"):
        if name in told:
            told[name] = str(_day(told[name]))
    if kind == "snooze" and told["until"] <= str(datetime.now(UTC).date()):
        raise UntoldError(f"{told['until']} is not ahead: it can be put off until a day to come")
    if "kind_of" in told:
        told["kind"] = told.pop("kind_of")
        if told["kind"] not in words.TOUCHES:
            raise UntoldError(f"a touch is one of {', '.join(words.TOUCHES)}")
    return told


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UntoldError(f"{text[:20]!r} is no date; one looks like 2026-11-30") from None


def _hand_on(visit: Visit, done: Act, once: str) -> None:
    """Outcomes and feedback go where those of programs go."""
    desk = visit.workspace.desk
    try:
        if done.kind == "wrong":
            said = {"reason": done.told["reason"], "note": done.told["text"], "by": done.person}
            row = Feedback.model_validate({"account_id": done.account_id, **said})
            sending = desk.take("feedback", [row], f"page {once}")
        elif done.kind == "outcome":
            of = {"contract_id": done.contract_id, "account_id": done.account_id}
            sending = desk.take("outcomes", [ToldOutcome.model_validate({**of, **done.told})], f"page {once}")
        else:
            return
    except ValidationError as error:
        raise UntoldError(problems.sentence(error.errors(include_url=False, include_input=False))) from None
    if sending.errors:
        raise UntoldError(sending.errors[0]["error"])
