"""Lots: who is given a play and who is left out of it by chance, so that one day it can be told whether it works.

Within each stratum (play, segment, band) terms are drawn in blocks, each with its share of holdouts at random places:
permuted blocks (Matts and Lachin, "Properties of permuted-block randomization in clinical trials", 1988). A term is
drawn once for a play, and stays what it was drawn as.
"""

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date, timedelta
from fractions import Fraction
from typing import Final, Literal

import pandas as pd
from sqlalchemy import insert, select

from features.analyses.draws import DRAWN
from serving.book import Run, Score
from serving.config import PlaySettings
from serving.ledger import DRAWS
from serving.plays import Play, suggested
from serving.store import ScoreStore

Arm = Literal["play", "holdout", "spared"]

LARGEST_BLOCK: Final = 20
ASKED_AT_ONCE: Final = 500

LEFT_OUT: Final = (
    "Left out of this play by chance, to learn whether it works: do as always, and no more, until the term ends."
)


@dataclass(frozen=True, kw_only=True)
class Lot:
    """What one term was drawn as for one play; ``spared`` terms get the play and are compared with nobody."""

    play: str
    contract_id: str
    account_id: str
    run: int
    segment: str | None
    band: str
    risk: float
    arr: float | None
    drawn_on: date
    due_on: date
    arm: Arm


class Lots:
    """The lots of one store. Raises StoreError."""

    def __init__(self, store: ScoreStore):
        self._store = store

    def draw(self, run: Run, number: int, scores: Sequence[Score], settings: PlaySettings) -> tuple[Lot, ...]:
        """Draw every term of a run that was not drawn before for the play suggested now; those that are new."""
        wanted = [(score, suggested(score)) for score in sorted(scores, key=lambda one: one.account_id)]
        spared = _spared(scores, settings.spared)
        with self._store.database.writing() as connection:
            there = connection.execute(
                select(DRAWS.c.play, DRAWS.c.contract_id, DRAWS.c.segment, DRAWS.c.band, DRAWS.c.arm)
            )
            rows = there.all()
            drawn = {(row.play, row.contract_id) for row in rows}
            places = Counter((row.play, row.segment, row.band) for row in rows if row.arm != "spared")
            new = []
            for score, play in wanted:
                if not play.drawn or score.contract_id is None or (play.name, score.contract_id) in drawn:
                    continue
                stratum = (play.name, score.segment, score.band)
                arm: Arm = "spared" if score.account_id in spared else _arm(stratum, places[stratum], settings.holdout)
                places[stratum] += arm != "spared"
                new.append(_lot(run, number, score, play, arm))
            if new:
                connection.execute(insert(DRAWS), [asdict(lot) for lot in new])
        return tuple(new)

    def of(self, scores: Iterable[Score]) -> dict[str, Lot]:
        """By account, what its term was drawn as for the play suggested now; those never drawn are left out."""
        wanted = {score.contract_id: score for score in scores if score.contract_id is not None}
        names, found = list(wanted), {}
        with self._store.database.reading() as connection:
            for start in range(0, len(names), ASKED_AT_ONCE):
                query = select(DRAWS).where(DRAWS.c.contract_id.in_(names[start : start + ASKED_AT_ONCE]))
                for row in connection.execute(query):
                    score = wanted[row.contract_id]
                    if suggested(score).name == row.play:
                        found[score.account_id] = Lot(**{one.name: getattr(row, one.name) for one in fields(Lot)})
        return found

    def compared(self) -> pd.DataFrame:
        """Every term that was drawn to be compared, with the columns of `features.analyses.draws.DRAWN`."""
        columns = [DRAWS.c[name] for name in DRAWN]
        query = select(*columns).where(DRAWS.c.arm != "spared").order_by(DRAWS.c.play, DRAWS.c.contract_id)
        with self._store.database.reading() as connection:
            return pd.DataFrame(connection.execute(query).all(), columns=list(DRAWN))


def _spared(scores: Sequence[Score], share: float) -> frozenset[str]:
    """The accounts that together pay the first such share of the ARR."""
    ranked = sorted(scores, key=lambda one: (-(one.arr or 0.0), one.account_id))
    total, so_far, found = sum(one.arr or 0.0 for one in scores), 0.0, set()
    for score in ranked:
        if not score.arr or so_far >= share * total:
            break
        found.add(score.account_id)
        so_far += score.arr
    return frozenset(found)


def _arm(stratum: tuple[str, str | None, str], place: int, share: float) -> Arm:
    """What the next term of a stratum is drawn as, ``place`` of them having been drawn."""
    parts = Fraction(share).limit_denominator(LARGEST_BLOCK)
    block, within = divmod(place, parts.denominator)
    # The same store gives the same lots: a run that was killed before it drew is drawn like one that was not.
    left_out = random.Random(f"{stratum} {block}").sample(range(parts.denominator), parts.numerator)  # noqa: S311
    return "holdout" if within in left_out else "play"


def _lot(run: Run, number: int, score: Score, play: Play, arm: Arm) -> Lot:
    assert score.contract_id is not None
    return Lot(
        play=play.name,
        contract_id=score.contract_id,
        account_id=score.account_id,
        run=number,
        segment=score.segment,
        band=score.band,
        risk=score.risk,
        arr=score.arr,
        drawn_on=run.cutoff,
        due_on=run.cutoff + timedelta(days=play.due_days),
        arm=arm,
    )
