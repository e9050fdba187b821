"""Temperatures as the store has them: of the latest scores, and of those that stood at an earlier day."""

from datetime import date
from typing import TYPE_CHECKING

from serving.book import Run
from serving.config import Settings
from serving.store import ScoreStore

if TYPE_CHECKING:
    from training.quadrants import Warm


def warm_of(settings: Settings, since: date) -> "Warm | None":
    """Those of the latest run, where a model of buying more that beats the base rate gave any; None otherwise."""
    from training.quadrants import Warm

    with ScoreStore(settings.store_url) as store:
        run = store.latest()
        now = None if run is None else _of(store, run)
        if run is None or now is None:
            return None
        earlier: Run | None = run
        while earlier is not None and earlier.cutoff > since:
            earlier = store.before(earlier)
        before = None if earlier is None else _of(store, earlier)
        warmth = store.warmth(run)
    assert warmth is not None
    origin = f"those of {warmth.model_name} version {warmth.model_version}, scored on {run.cutoff}"
    return Warm(now=now, before=before, origin=origin)


def _of(store: ScoreStore, run: Run) -> dict[str, float] | None:
    warmth = store.warmth(run)
    if warmth is None or not warmth.usable:
        return None
    names = [score.account_id for score in store.scores(run)]
    return {name: one.value for name, one in store.temperatures(run, names).items()}
