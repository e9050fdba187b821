"""How long each question about the whole book takes, of 10,000 accounts watched for two years.

python experiments/2026-11_analyses/run.py [--accounts 10000]     (simulates a market first, into a temporary folder)
"""

import argparse
import json
import resource
import tempfile
import time
from pathlib import Path

from features.errors import DataError
from features.sources.simulated import MarketSettings, simulate, write
from serving.config_file import load
from serving.progress import Progress
from serving.questions import QUESTIONS
from serving.taking import facts_of

HERE = Path(__file__).parent
MONTHS = 24
SEED = 61


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--accounts", type=int, default=10_000)
    accounts = parser.parse_args().accounts
    with tempfile.TemporaryDirectory() as folder:
        result = measured(Path(folder), accounts)
    if accounts == 10_000:
        (HERE / "result.json").write_text(json.dumps(result, indent=1) + "\n")
    for name, seconds in result["seconds"].items():
        print(f"{name:12} {'cannot be computed' if seconds is None else f'{seconds:6.1f} s'}")


def measured(folder: Path, accounts: int) -> dict[str, object]:
    progress = Progress()
    with progress.step(f"simulate {accounts:,} accounts over {MONTHS} months"):
        write(simulate(MarketSettings(accounts=accounts, months=MONTHS, seed=SEED)), folder / "data")
    settings = load(None, data=folder / "data", home=folder / "home")
    seconds: dict[str, float | None] = {}
    started = time.perf_counter()
    with facts_of(settings, progress) as facts:
        events = facts.engine.rows("SELECT count(*) FROM events")[0][0]
        seconds["read"] = time.perf_counter() - started
        for one in QUESTIONS:
            started = time.perf_counter()
            try:
                found = one.answer(facts, settings)
            except DataError as error:
                progress.say(f"{one.name}: {error}")
                seconds[one.name] = None
                continue
            seconds[one.name] = time.perf_counter() - started
            progress.say(f"{one.name}, {seconds[one.name]:.1f} s: {found.says[0]}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {"accounts": accounts, "months": MONTHS, "events": events, "seconds": seconds, "peak_gb": round(peak, 2)}


if __name__ == "__main__":
    main()
