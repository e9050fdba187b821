"""The list is built once for each run; while a new one is built, the old one answers."""

import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from serving.web.shelf import Shelves
from tests.books import a_run, a_score
from tests.workspaces import pages


def test_a_new_run_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    """Nobody waits, and soon the list is the new one, with what moved."""
    with pages(tmp_path, [a_score("acme", risk=0.2)]) as site:
        shelves = Shelves(site.desk)
        first = shelves.latest()
        assert shelves.latest() is first
        later = replace(a_run(), cutoff=a_run().cutoff + timedelta(days=7))
        site.desk.store.append(later, [a_score("acme", risk=0.5)])
        give_up = time.monotonic() + 20
        while shelves.latest() is first:
            assert time.monotonic() < give_up
            time.sleep(0.02)
        moved = shelves.latest().lines[0].moved
        assert moved is not None
        assert round(moved, 6) == 0.3
