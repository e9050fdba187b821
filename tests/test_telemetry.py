"""What a service tells of itself: figures, lines and traces, on one that runs with all of them on."""

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from prometheus_client.parser import text_string_to_metric_families

from features.errors import SettingsError
from serving.monitored import KEYS
from serving.telemetry.drift import Drift, latest
from serving.telemetry.meters import Meters, Sources, Standing
from serving.telemetry.routes import Routes
from serving.telemetry.traces import Traces
from tests.market_home import MarketHome, Server, a_client
from tests.receivers import Answer, Asked, Receiver

DASHBOARD = Path(__file__).parent.parent / "serving" / "deploy" / "grafana.json"
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Collector(Receiver):
    """What takes traces by OTLP over HTTP."""

    def answer(self, asked: Asked) -> Answer:
        return Answer(headers={"content-type": "application/x-protobuf"})


@dataclass(frozen=True, kw_only=True)
class Told:
    """A service that was asked a few things: its figures then, its log and the spans that arrived at its end."""

    figures: str
    log: str
    traces: list[Asked]


@pytest.fixture(scope="module")
def told(market_home: MarketHome, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """Asked as people and strangers do; then stopped, so that nothing waits any more."""
    collector, folder = Collector(), tmp_path_factory.mktemp("telemetry")
    with collector.running():
        config = folder / "ebb.toml"
        config.write_text(f'[serve]\nlog = "json"\ntraces = "{collector.url}/v1/traces"\n')
        with Server(market_home.folder, "--config", config) as server, a_client(server.url, market_home.key) as client:
            names = [item["account_id"] for item in client.get("/v1/worklist").json()["items"]]
            client.post("/v1/score", json={"account_ids": names[:7]}, headers={"traceparent": PARENT})
            client.get(f"/v1/accounts/{names[0]}")
            client.get("/v1/accounts/a%0D%0AINJECTED%1B%5B2J")
            client.post("/v1/score", content=b"{", headers={b"content-type": b"application/json\xe9"})
            for number in range(50):
                client.get(f"/v1/stranger/{number}")
                client.get(f"/v1/accounts/stranger-{number}")
            httpx.get(f"{server.url}/v1/worklist", headers={"Authorization": "Bearer ebb_000000000000_" + "C" * 43})
            figures = client.get("/metrics").text
            server.stop()
        yield Told(figures=figures, log=server.log.read_text(), traces=collector.asked)


def values(figures: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(figures)
        for sample in family.samples
    }


def test_requests_are_counted_by_route_and_status(told: Told) -> None:
    """However many accounts and strange paths are asked for, there are no more figures than routes and statuses."""
    found = values(told.figures)
    of = {"route": "/v1/score", "method": "POST", "status": "200"}
    assert found["ebb_requests_total", frozenset(of.items())] == 1
    assert found["ebb_request_accounts_sum", frozenset({("route", "/v1/score")})] == 7
    routes = {dict(labels)["route"] for name, labels in found if name == "ebb_requests_total"}
    assert routes <= {"/v1/worklist", "/v1/score", "/v1/accounts/{account_id}", "other", "/healthz"}
    assert "stranger" not in told.figures
    strangers = {"route": "other", "method": "GET", "status": "404"}
    # The path with a line break is no account's either.
    assert found["ebb_requests_total", frozenset(strangers.items())] == 50
    seconds = {"route": "/v1/score", "status": "200", "le": "+Inf"}
    assert found["ebb_request_seconds_bucket", frozenset(seconds.items())] == 1


def test_the_model_and_the_age_of_its_scores_are_told(told: Told) -> None:
    """Which version scores, how old its scores are, how large the book is."""
    found = values(told.figures)
    assert found["ebb_model_info", frozenset({("name", "ebb-risk"), ("version", "1")})] == 1
    assert 0 < found["ebb_score_age_seconds", frozenset()] < 3600
    assert found["ebb_stale", frozenset()] == 0
    assert found["process_resident_memory_bytes", frozenset()] > 0


def test_the_dashboard_asks_for_what_there_is(told: Told) -> None:
    """Every figure that a panel of the Grafana file wants is on /metrics, or follows from a look of `ebb monitor`."""
    asked = set(re.findall(r"\b(?:ebb|process)_\w+", "\n".join(exprs(json.loads(DASHBOARD.read_text())))))
    drift = Drift(cutoff=datetime.now(UTC).date(), verdict="fine", alarm=False, psi=0.1, signals=0, weight=0.0)
    there = {name for name, _ in values(told.figures)} | {name for name, _ in values(of_moment(drift=drift))}
    assert asked
    assert asked <= there
    assert {"ebb_model_info", "ebb_score_age_seconds", "ebb_drift_score_psi", "ebb_request_seconds_bucket"} <= asked


def exprs(dashboard: dict[str, list[dict[str, list[dict[str, str]]]]]) -> list[str]:
    return [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]


def of_moment(*, drift: Drift | None = None, made_at: datetime | None = None) -> str:
    """The figures of a service that answers from a book scored at a moment."""
    meters = Meters(Routes([]))
    at = made_at or datetime.now(UTC)
    standing = Standing(model_name="m", model_version="1", made_at=at, accounts=3, stale=True)
    meters.sources = Sources(standing=lambda: standing, drift=lambda: drift, waiting=lambda: 2, dropped=lambda: 1)
    return meters.written().decode()


def test_a_clock_set_back_makes_no_score_younger_than_new() -> None:
    """Scores from a later time than now are of age 0."""
    assert "ebb_score_age_seconds 0.0" in of_moment(made_at=datetime.now(UTC) + timedelta(days=1))


def test_each_request_is_a_line_of_json(told: Told) -> None:
    """Time, key name, path, status, duration and model version; a line break in a path makes no line; never a key."""
    lines = [json.loads(line) for line in told.log.splitlines() if line.startswith("{")]
    scored = next(line for line in lines if line.get("path") == "/v1/score" and line["status"] == 200)
    assert (scored["key"], scored["model_version"], scored["accounts"]) == ("tests", "1", 7)
    assert datetime.fromisoformat(scored["time"]).tzinfo is not None
    assert scored["ms"] > 0
    assert any(line.get("path") == "/v1/accounts/a\r\nINJECTED\x1b[2J" for line in lines)
    assert not [line for line in told.log.splitlines() if line.startswith("INJECTED")]
    assert "\x1b" not in told.log
    assert any(line.get("status") == 415 for line in lines)
    assert any(line.get("status") == 401 and line["key"] is None for line in lines)
    assert "Traceback" not in told.log
    assert "CCCCCCCC" not in told.log


def test_each_request_is_a_span(told: Told, market_home: MarketHome) -> None:
    """The collector gets the route, the status and the model version, as a part of the caller's trace; never a key."""
    spans = [
        span
        for asked in told.traces
        for resource in ExportTraceServiceRequest.FromString(asked.body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    scored = next(span for span in spans if span.name == "POST /v1/score")
    about = {item.key: item.value for item in scored.attributes}
    assert scored.trace_id.hex() == PARENT.split("-")[1]
    assert scored.parent_span_id.hex() == PARENT.split("-")[2]
    assert about["http.response.status_code"].int_value == 200
    assert about["ebb.model_version"].string_value == "1"
    assert scored.end_time_unix_nano > scored.start_time_unix_nano
    assert len(spans) >= 104
    whole = b"".join(asked.body for asked in told.traces)
    assert market_home.key.encode() not in whole
    assert b"stranger-1" not in whole


def test_an_address_that_is_none_is_said_at_the_start() -> None:
    """One line that names the setting."""
    with pytest.raises(SettingsError, match=r"serve\.traces is no address"):
        Traces("collector:4318", Routes([]))


def test_the_latest_look_is_read(tmp_path: Path) -> None:
    """Of several looks the last whole one counts; a broken one is passed over; none is none."""
    assert latest(tmp_path) is None
    for day, psi in (("2026-01-05", "0.1"), ("2026-02-05", "0.3")):
        write(tmp_path / "monitor" / day / "drift.csv", psi)
    (tmp_path / "monitor" / "2026-03-05").mkdir()
    (tmp_path / "monitor" / "2026-03-05" / "drift.csv").write_text("half a")
    found = latest(tmp_path)
    assert found is not None
    assert (f"{found.cutoff}", found.verdict, found.alarm) == ("2026-02-05", "retrain", True)
    assert (found.psi, found.signals, found.weight) == (0.3, 1, 0.25)


def write(path: Path, psi: str) -> None:
    """A look as `serving.monitored.keep` writes it."""
    path.parent.mkdir(parents=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, KEYS)
        writer.writeheader()
        writer.writerow({"about": "verdict", "name": "retrain", "alarm": True})
        writer.writerow({"about": "scores", "name": "risk", "psi": psi, "alarm": True})
        writer.writerow({"about": "signal", "name": "logins", "psi": psi, "alarm": True, "weight": 0.25})
        writer.writerow({"about": "signal", "name": "seats", "psi": 0.0, "alarm": False, "weight": 0.75})
