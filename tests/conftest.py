"""What every test runs under: no library reports home, and small machines are not overrun."""

import os
from collections.abc import Iterator

import pytest

from tests.market_home import MarketHome, made

os.environ.update(DO_NOT_TRACK="true", MLFLOW_DISABLE_TELEMETRY="true", BENTOML_DO_NOT_TRACK="true")
os.environ.setdefault("OMP_NUM_THREADS", "2")


@pytest.fixture(scope="session")
def market_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MarketHome]:
    """A small simulated market, learnt, scored and served; tests add runs to it, and change nothing else."""
    with made(tmp_path_factory.mktemp("market") / "home") as home:
        yield home
