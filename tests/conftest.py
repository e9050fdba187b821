"""What every test runs under: no library reports home, and small machines are not overrun."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import stores
from tests.market_home import MarketHome, made

os.environ.update(DO_NOT_TRACK="true", MLFLOW_DISABLE_TELEMETRY="true", BENTOML_DO_NOT_TRACK="true")
os.environ.setdefault("OMP_NUM_THREADS", "2")


@pytest.fixture(scope="session")
def market_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MarketHome]:
    """A small simulated market, learnt, scored and served; tests add runs to it, and change nothing else."""
    with made(tmp_path_factory.mktemp("market") / "home") as home:
        yield home


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """A real PostgreSQL; skips where there is none."""
    with stores.served() as url:
        yield url


@pytest.fixture(params=stores.KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty score store: a file of SQLite, then a database of its own in PostgreSQL."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'state' / 'ebb.db'}"
        return
    with stores.emptied(request.getfixturevalue("server")) as empty:
        yield empty
