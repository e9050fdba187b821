"""How fast the pages of 10,000 accounts are for one client: milliseconds and kilobytes of each, after the first.

`PYTHONPATH=. python experiments/2026-11_service/pages.py [--accounts 10000] [--asked 50]` writes pages.json.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import httpx
import numpy as np
from run import HERE, PROGRAMS, free, made, served, widened

PATHS = ("/app", "/app?sort=risk&q=acc&n=50", "/app?band=high&n=250", "/app/proof", "/app/book")
WRITING_SECONDS = 30
"""After it begins, a service writes every score in the background; that is not what is measured."""


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=10_000)
    parser.add_argument("--asked", type=int, default=50)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ebb-pages-") as folder:
        home, port = Path(folder), free()
        made(home)
        widened(home, given.accounts)
        command = [str(PROGRAMS / "ebb"), "serve", "--home", str(home), "--port", str(port), "--open", "all"]
        with served(command, "/readyz", port) as url, httpx.Client(base_url=url, timeout=120) as client:
            first = {path: timed(client, path) for path in PATHS}
            time.sleep(WRITING_SECONDS)
            pages = {path: {"first ms": round(first[path], 1), **measured(client, path, given.asked)} for path in PATHS}
    found = {"accounts": given.accounts, "pages": pages}
    (HERE / "pages.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=2))


def measured(client: httpx.Client, path: str, asked: int) -> dict[str, float]:
    """Percentiles of as many as asked, and the size."""
    size = len(client.get(path).content)
    took = [timed(client, path) for _ in range(asked)]
    p50, p95 = np.percentile(took, [50, 95])
    return {"p50 ms": round(p50, 1), "p95 ms": round(p95, 1), "kB": round(size / 1000, 1)}


def timed(client: httpx.Client, path: str) -> float:
    """Milliseconds of one request that is answered."""
    started = time.perf_counter()
    client.get(path).raise_for_status()
    return (time.perf_counter() - started) * 1000


if __name__ == "__main__":
    main()
