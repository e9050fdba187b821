"""The long run of the service in short: all around it changes, and no answer is wrong."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.market_home import MarketHome

ROOT = Path(__file__).parent.parent


def test_nothing_is_wrong_while_all_around_changes(market_home: MarketHome) -> None:
    """The alias moves, the store restarts, the worker is killed: every answer right, no 5xx, nothing kept is lost."""
    command: list[str | Path] = [sys.executable, ROOT / "experiments" / "2026-11_service" / "soak.py", "--short"]
    ran = subprocess.run(
        [*command, "--market", market_home.folder], capture_output=True, text=True, cwd=ROOT, timeout=280,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr[-2000:]
    told = json.loads(ran.stdout)
    assert (told["wrong"], told["server errors"], told["acknowledged and not kept"], told["kept twice"]) == (0, 0, 0, 0)
    assert told["requests"] == 400
