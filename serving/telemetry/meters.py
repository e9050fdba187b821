"""Figures for Prometheus: requests and how long they took, the model, how old its scores are, and drift."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric

from serving.access.ring import Call
from serving.telemetry.drift import Drift
from serving.telemetry.routes import Routes

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60)
"""Bounds of the histogram of latency; 15 ms is what one account has to keep."""

ACCOUNTS: Final = (1, 2, 5, 10, 50, 100, 500, 1_000, 5_000, 10_000)
"""Bounds of the histogram of how many accounts a request asks for."""

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What a service answers from at this moment; ``made_at`` is when its book was scored."""

    model_name: str
    model_version: str
    made_at: datetime
    accounts: int
    stale: bool


@dataclass(frozen=True, kw_only=True)
class Sources:
    """Where the figures of the moment come from; each is asked when somebody looks."""

    standing: Callable[[], Standing | None]
    drift: Callable[[], Drift | None]
    waiting: Callable[[], int]
    dropped: Callable[[], int]


class Meters:
    """The figures of one process; ``sources`` come to life later, with the service."""

    def __init__(self, routes: Routes):
        self.sources: Sources | None = None
        self._routes = routes
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "ebb_requests", "Requests answered, or refused", ["route", "method", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "ebb_request_seconds",
            "Seconds from a request to its answer",
            ["route", "status"],
            buckets=SECONDS,
            registry=self._registry,
        )
        self._accounts = Histogram(
            "ebb_request_accounts",
            "Accounts that one request asks for",
            ["route"],
            buckets=ACCOUNTS,
            registry=self._registry,
        )
        disable_created_metrics()  # type: ignore[no-untyped-call]
        ProcessCollector(registry=self._registry)
        self._registry.register(_Moment(self))

    def tell(self, call: Call, _: object) -> None:
        """Count one request."""
        route = self._routes.of(call.path)
        method = call.method if call.method in METHODS else "other"
        self._requests.labels(route, method, str(call.status)).inc()
        self._seconds.labels(route, str(call.status)).observe(call.milliseconds / 1000)
        if call.accounts:
            self._accounts.labels(route).observe(call.accounts)

    def written(self) -> bytes:
        """Everything, as Prometheus reads it."""
        return generate_latest(self._registry)


class _Moment:
    """What is so at the moment somebody looks."""

    def __init__(self, meters: Meters):
        self._meters = meters

    def describe(self) -> list[Metric]:
        """Nothing beforehand: the figures come to life with the service."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The figures."""
        sources = self._meters.sources
        if sources is None:
            return
        standing, drift = sources.standing(), sources.drift()
        if standing is not None:
            yield from _of_standing(standing)
        if drift is not None:
            yield from _of_drift(drift)
        yield _gauge("ebb_calls_waiting", "Calls that wait to be recorded", sources.waiting())
        yield CounterMetricFamily(
            "ebb_calls_dropped", "Calls that could not be recorded: too many waited", value=sources.dropped()
        )


def _of_standing(standing: Standing) -> Iterator[Metric]:
    model = {"name": standing.model_name, "version": standing.model_version}
    yield InfoMetricFamily("ebb_model", "The model that scores", value=model)
    age = (datetime.now(UTC) - standing.made_at).total_seconds()
    # A clock that was set back makes no score younger than new.
    yield _gauge("ebb_score_age_seconds", "Seconds since the book was scored", max(0.0, age))
    yield _gauge("ebb_book_accounts", "Accounts of the scored book", standing.accounts)
    yield _gauge("ebb_stale", "1 while the model or the store is away and the last good ones answer", standing.stale)


def _of_drift(drift: Drift) -> Iterator[Metric]:
    looked = datetime.combine(drift.cutoff, time(), tzinfo=UTC)
    yield InfoMetricFamily("ebb_drift_verdict", "What `ebb monitor` said last", value={"verdict": drift.verdict})
    yield _gauge("ebb_drift_alarm", "1 where that asks for something to be done", drift.alarm)
    age = (datetime.now(UTC) - looked).total_seconds()
    yield _gauge("ebb_drift_age_seconds", "Seconds since the day it looked from", max(0.0, age))
    yield _gauge("ebb_drift_signals", "Signals that moved", drift.signals)
    yield _gauge("ebb_drift_weight_share", "Share of what the model says that rests on them", drift.weight)
    if drift.psi is not None:
        yield _gauge("ebb_drift_score_psi", "Population stability index of the scores", drift.psi)


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(name, meaning, value=value)
