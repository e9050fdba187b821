"""Steps: the rollups that are kept between runs, each a query and what is kept of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["by day", "since", "scratch", "numbers", "whole"]

Files = Mapping[str, str]
"""The files of a step, by month, or `all` in one."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One rollup: a query of the events or of earlier steps, and what is kept of it.

    ``by day``: it has a column `day`, and a day's rows come from the same day of earlier steps: kept by month.
    ``since``: a day's rows come from that day and those before it of the step ``source``, and only from rows of the
    same ``keys``: kept by month of ``day``, the SQL of a row's day.
    ``scratch``: as by day, but only other steps read it. ``numbers``: its first column numbers the others, which
    identify something: numbers once given are kept, and new ones come after them. ``whole``: small, and computed each
    time from what is kept.

    ``{where}`` stands for the condition on the rows of the events, ``{rows}`` for those of the source. ``carry`` is the
    SQL of what the rows since some day need to know of the days before it: the table `touched` holds the keys in
    question, with the day as ``since``, and ``{since}`` stands for the earliest of these days.
    """

    name: str
    sql: str
    kind: Kind = "by day"
    source: str = ""
    keys: tuple[str, ...] = ()
    carry: str = ""
    day: str = "day"
