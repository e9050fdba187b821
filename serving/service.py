"""The scoring service, the only file that imports bentoml: POST by BentoML, GET by `serving.api`, through one door."""

import logging
import os
from pathlib import Path
from typing import Final

import bentoml
from starlette.responses import Response

from features.errors import EbbError, SettingsError
from serving import problems, wire
from serving.access.guard import Guard, State, note
from serving.access.watch import Watch
from serving.api import make_app, routes
from serving.config import Settings
from serving.config_file import load
from serving.desk import Desk
from serving.door import Door
from serving.telemetry import lines, meters
from serving.telemetry.drift import latest as latest_drift
from serving.telemetry.meters import Meters, Sources
from serving.telemetry.routes import Routes
from serving.telemetry.traces import Traces
from serving.web.app import mount
from serving.web.workspace import Workspace

ANSWER_SECONDS: Final = 60

OPENED: Final = "EBB_SERVE_OPEN"
"""Tells the workers what the command line opened."""

_app = make_app()
mount(_app)
_routes = Routes([str(getattr(route, "path", "")) for route in routes()])
_meters = Meters(_routes)
_state = State(told=(_meters.tell, lines.tell))


def metrics() -> Response:
    """Figures for Prometheus."""
    return Response(_meters.written(), media_type=meters.CONTENT_TYPE)


_app.add_api_route("/metrics", metrics, include_in_schema=False)


class Scoring:
    """How likely each account is to leave, why, and what to do first."""

    def __init__(self) -> None:
        settings = load(_path("EBB_CONFIG"), data=_path("EBB_DATA"), home=_path("EBB_HOME"))
        lines.begin(settings.serve.log)
        self.desk = Desk(settings, ("score", "--analyse", *_options()))
        opened = _opened(settings)
        self.watch = Watch(settings.store_url, open=opened)
        self.traces = Traces(settings.serve.traces, _routes) if settings.serve.traces else None
        if self.traces is not None:
            _state.told = (*_state.told, self.traces.tell)
        _meters.sources = Sources(
            standing=self.desk.standing,
            drift=lambda: latest_drift(settings.home),
            waiting=self.watch.waiting,
            dropped=self.watch.dropped,
        )
        _app.state.answers, _state.access = self.desk, self.watch
        self.desk.begin()
        _app.state.workspace = workspace = Workspace(self.desk, is_open="all" in opened)
        workspace.shelves.begin()

    @bentoml.on_shutdown  # type: ignore[untyped-decorator]
    def close(self) -> None:
        """End what runs, and write what waits to be recorded."""
        self.desk.close()
        self.watch.close()
        if self.traces is not None:
            self.traces.close()

    @bentoml.api(route="/v1/score")  # type: ignore[untyped-decorator]
    def score(self, account_ids: list[str]) -> wire.ScoreResponse:
        """Risk, band, drivers and renewal of each account; ids that are not in the book come back under errors."""
        try:
            run, scores, unknown = self.desk.score(account_ids)
        except EbbError as error:
            # An exception would be answered without its reason; the framework passes a response on as it is.
            return Response(problems.body(503, str(error)), 503, media_type=problems.MEDIA_TYPE)  # type: ignore[return-value]
        note(account_ids, run.model_version, run.cutoff)
        answer = wire.ScoreResponse(
            scores=[],
            errors=[wire.UnknownAccount(account_id=name, error="no such account in the book") for name in unknown],
            stale=self.desk.stale(),
        )
        # The scores were written before; what is left of the answer is small.
        rest = answer.model_dump_json(exclude={"scores"}).encode().removeprefix(b"{")
        return Response(b'{"scores":[' + b",".join(scores) + b"]," + rest, media_type="application/json")  # type: ignore[return-value]


Ebb: Final[bentoml.Service[Scoring]] = bentoml.service(
    name="ebb",
    workers=1,
    traffic={"timeout": ANSWER_SECONDS},
    # The framework's own would keep a figure for every path that anybody ever asked for, and write paths into the log
    # as they come, line breaks and all.
    metrics={"enabled": False},
    logging={"access": {"enabled": False}},
)(Scoring)
Ebb.mount_asgi_app(_app, path="/")
# The first is the outermost.
Ebb.add_asgi_middleware(Guard, state=_state)
Ebb.add_asgi_middleware(Door, own=_app)


def serve(settings: Settings, config: Path | None) -> None:
    """Serve until Ctrl-C or SIGTERM. The workers read the same settings through EBB_CONFIG, EBB_DATA and EBB_HOME."""
    os.environ["EBB_HOME"] = str(settings.home.absolute())
    os.environ[OPENED] = ",".join(settings.serve.open)
    os.environ["EBB_DATA"] = str(settings.data.folder.absolute())
    if config is not None:
        os.environ["EBB_CONFIG"] = str(config.absolute())
    Ebb.serve_http(host=settings.serve.host, port=settings.serve.port)


def bundle(folder: Path, version: str, requirements: str, containerfile: str) -> Path:
    """The folder of a new Bento of the code in ``folder``, with the requirements as they are locked there."""
    logging.getLogger("bentoml").setLevel(logging.ERROR)  # it tells every build that a template is the old way
    built = bentoml.bentos.build(
        "serving.service:Ebb",
        version=version,
        description=(Scoring.__doc__ or "").strip(),
        include=["*"],
        build_ctx=str(folder),
        # A template of our own; without it the framework fetches a tool to lock anew what is locked.
        docker={"dockerfile_template": containerfile},
        python={"requirements_txt": requirements, "lock_packages": False},
    )
    return Path(built.path)


def _opened(settings: Settings) -> frozenset[str]:
    """What needs no key. SettingsError where that is everything and nobody looked who can reach it."""
    told = os.environ.get(OPENED)
    if told is None and "all" in settings.serve.open:
        raise SettingsError('serve.open = ["all"] is for `ebb serve`, which then serves this machine only')
    return frozenset(filter(None, settings.serve.open if told is None else told.split(",")))


def _options() -> list[str]:
    """The options by which a command works on what this service serves."""
    given = {"--config": _path("EBB_CONFIG"), "--data": _path("EBB_DATA"), "--home": _path("EBB_HOME")}
    return [part for option, path in given.items() if path is not None for part in (option, str(path))]


def _path(name: str) -> Path | None:
    value = os.environ.get(name)
    return Path(value) if value else None
