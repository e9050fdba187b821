"""Which plays work: accounts drawn for a play against those left out by chance, by how their terms ended."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import altair as alt
import numpy as np
import pandas as pd

from features import outcomes
from features.analyses.answer import Answer, Field, Sheet, need, percent
from features.analyses.drawing import ALARM, INK, PAPER, WIDTH, data, styled
from features.analyses.draws import DRAWN
from features.errors import SettingsError
from features.facts import Facts
from training.adjusted import false_discoveries
from training.effect import LEAST, Effect, effect

NAME: Final = "plays"
ARMS: Final = ("play", "holdout")
GROUPS: Final = ("segment", "band")
"""Within which accounts a play may help some and harm others."""

POINTS: Final = "points of probability; below 0: fewer left"

PLAYS: Final = (
    Field(name="play", title="play", kind="text", meaning="its name"),
    Field(name="drawn", title="drawn", kind="whole", meaning="terms it was given to"),
    Field(name="left_out", title="left out", kind="whole", meaning="terms left out by chance"),
    Field(name="decided", title="decided", kind="whole", meaning="of both, those whose outcome is known"),
    Field(name="left_share", title="left", kind="share", meaning="share of the decided who left although it was given"),
    Field(name="left_share_without", title="without", kind="share", meaning="share who left of those left out"),
    Field(name="effect", title="effect", kind="share", meaning=f"adjusted for the risk when drawn, {POINTS}"),
    Field(name="low", title="from", kind="share", meaning="lower end of the 95 % interval of one look"),
    Field(name="high", title="to", kind="share", meaning="upper end of it"),
    Field(name="always_low", title="from, always", kind="share", meaning="of however many looks", apart=True),
    Field(name="always_high", title="to, always", kind="share", meaning="of however many looks", apart=True),
    Field(name="arr_kept", title="ARR kept", kind="money", meaning="effect x ARR of the decided it was given to"),
    Field(name="verdict", title="verdict", kind="text", meaning="works, harms, or no proof yet and why", wraps=True),
)

HARMED: Final = (
    Field(name="play", title="play", kind="text", meaning="its name"),
    Field(name="group", title="among", kind="text", meaning="which accounts"),
    Field(name="decided", title="decided", kind="whole", meaning="terms of them whose outcome is known"),
    Field(name="effect", title="effect", kind="share", meaning=POINTS),
    Field(name="low", title="from", kind="share", meaning="lower end of the 95 % interval"),
    Field(name="high", title="to", kind="share", meaning="upper end of it"),
)

FLAGGED: Final = (
    Field(name="account_id", title="account", kind="text", meaning="whose term is open"),
    Field(name="play", title="play", kind="text", meaning="that was suggested and seems to harm such accounts"),
    Field(name="group", title="because it is among", kind="text", meaning="the group in which it seems to harm"),
)


@dataclass(frozen=True, kw_only=True)
class Proof:
    """``false_share``: at most this share of the groups said to be harmed may be so by chance. Raises SettingsError."""

    false_share: float = 0.05

    def __post_init__(self) -> None:
        if not 0 < self.false_share < 1:
            raise SettingsError(f"false_share = {self.false_share}: a share between 0 and 1")


def proof(
    facts: Facts,
    drawn: pd.DataFrame,
    names: Sequence[str],
    asked: Proof | None = None,
    *,
    grace_days: int = outcomes.GRACE_DAYS,
) -> Answer:
    """The effect of each play; ``drawn`` has the columns `DRAWN`, ``names`` are the plays in their order.

    Only what was drawn before the outcome was decided counts, each term once a play. DataError without contracts.
    """
    asked = asked or Proof()
    need(facts, NAME, "contracts")
    found = _decided(facts, drawn, grace_days)
    plays = pd.DataFrame([_row(name, found[found["play"] == name]) for name in names], columns=_names(PLAYS))
    harmed = _harmed(found, names, asked.false_share)
    return Answer(
        name=NAME,
        cutoff=facts.cutoff,
        says=_says(plays, harmed, found),
        sheets=(
            Sheet(name="plays", fields=PLAYS, frame=plays),
            Sheet(name="harmed", fields=HARMED, frame=harmed),
            Sheet(name="flagged", fields=FLAGGED, frame=_flagged(found, harmed), most=20),
        ),
        chart=_chart(plays),
        asked=asdict(asked),
    )


def _decided(facts: Facts, drawn: pd.DataFrame, grace_days: int) -> pd.DataFrame:
    """What was drawn, with ``left`` (1, 0; NaN while it is open), for terms not yet decided on the day of drawing."""
    outcomes.lay(facts, grace_days=grace_days)
    day = facts.cutoff
    terms = facts.engine.frame(
        f"""SELECT contract_id, CAST(decided_on AS TIMESTAMP) AS decided_on, outcome_left,
                   coalesce(decided_on <= DATE '{day}', false) AS known
            FROM terms ORDER BY contract_id"""
    )
    found = drawn.loc[:, list(DRAWN)].merge(terms, on="contract_id", how="inner")
    found["left"] = found["outcome_left"].astype(float).where(found["known"].astype(bool))
    drawn_on = pd.to_datetime(found["drawn_on"])
    late = found["decided_on"].notna() & (found["decided_on"] < drawn_on)
    return found[~late & (drawn_on <= pd.Timestamp(day))].reset_index(drop=True)


def _effect(rows: pd.DataFrame) -> Effect | None:
    known = rows[rows["left"].notna()]
    return effect(
        (known["arm"] == "play").to_numpy(bool), known["left"].to_numpy(float) > 0, known["risk"].to_numpy(float)
    )


def _row(name: str, rows: pd.DataFrame) -> dict[str, Any]:
    known = rows[rows["left"].notna()]
    given, without = known[known["arm"] == "play"], known[known["arm"] == "holdout"]
    found = _effect(rows)
    arr = given["arr"].sum()
    return {
        "play": name,
        "drawn": int((rows["arm"] == "play").sum()),
        "left_out": int((rows["arm"] == "holdout").sum()),
        "decided": len(known),
        "left_share": given["left"].mean() if len(given) else np.nan,
        "left_share_without": without["left"].mean() if len(without) else np.nan,
        "effect": np.nan if found is None else found.difference,
        "low": np.nan if found is None else found.low,
        "high": np.nan if found is None else found.high,
        "always_low": np.nan if found is None else found.always_low,
        "always_high": np.nan if found is None else found.always_high,
        "arr_kept": np.nan if found is None else -found.difference * arr,
        "verdict": _verdict(found, len(given), len(without)),
    }


def _verdict(found: Effect | None, given: int, without: int) -> str:
    if found is None:
        return f"no proof yet: {LEAST} of each must be decided, there are {given} and {without}"
    if found.always_high < 0:
        return "works: fewer left, beyond chance however often one looked"
    if found.always_low > 0:
        return "harms: more left, beyond chance however often one looked"
    seen = (found.high - found.low) / 2
    return f"no proof yet: so many show an effect only beyond {percent(seen, 1)}"


def _harmed(found: pd.DataFrame, names: Sequence[str], false_share: float) -> pd.DataFrame:
    """Groups in which a play seems to harm, of all groups that can be judged."""
    rows, p = [], []
    for name in names:
        for column in GROUPS:
            these = found[found["play"] == name]
            for value, group in these.groupby(column, sort=True):
                judged = _effect(group)
                if judged is None:
                    continue
                # One-sided: only harm is looked for.
                p.append(judged.p / 2 if judged.difference > 0 else 1 - judged.p / 2)
                rows.append(
                    {
                        "play": name,
                        "group": f"{column} {value}",
                        "decided": int(group["left"].notna().sum()),
                        "effect": judged.difference,
                        "low": judged.low,
                        "high": judged.high,
                    }
                )
    frame = pd.DataFrame(rows, columns=_names(HARMED))
    return frame[false_discoveries(np.array(p, dtype=float)) <= false_share].reset_index(drop=True)


def _flagged(found: pd.DataFrame, harmed: pd.DataFrame) -> pd.DataFrame:
    """Accounts whose term is open, that were given a play which seems to harm such accounts."""
    rows = []
    for play, group in zip(harmed["play"], harmed["group"], strict=True):
        column, _, value = group.partition(" ")
        these = found[(found["play"] == play) & (found[column] == value) & found["left"].isna()]
        these = these[these["arm"] == "play"]
        rows += [{"account_id": name, "play": play, "group": group} for name in these["account_id"]]
    return pd.DataFrame(rows, columns=_names(FLAGGED)).drop_duplicates(["account_id", "play"], ignore_index=True)


def _says(plays: pd.DataFrame, harmed: pd.DataFrame, found: pd.DataFrame) -> tuple[str, ...]:
    proven = plays[plays["verdict"].str.startswith(("works", "harms"))]
    if found.empty:
        return ("No play was drawn for anybody yet: `ebb score` draws, and outcomes tell later.",)
    lines = [
        f"{row['play']} {row['verdict'].partition(':')[0]}: {percent(row['effect'], 1)} of those it was given to "
        f"({percent(row['low'], 1)} to {percent(row['high'], 1)})."
        for row in proven.to_dict("records")
    ]
    if not lines:
        lines = [
            f"No proof yet of any play: {int(plays['decided'].sum()):,} of {len(found):,} drawn terms are decided."
        ]
    pairs = zip(harmed["play"], harmed["group"], strict=True)
    lines += [f"{play} seems to harm accounts of {group}." for play, group in pairs]
    lines.append("Whoever was drawn counts as having had it (intention to treat); left out by chance are the holdouts.")
    return tuple(lines)


def _chart(plays: pd.DataFrame) -> alt.TopLevelMixin | None:
    shown = plays[plays["effect"].notna()]
    if shown.empty:
        return None
    held = data(shown[["play", "effect", "low", "high", "verdict"]])
    order = list(shown["play"])
    y = alt.Y("play:N", sort=order, title=None)
    axis = alt.Axis(format="+%")
    spans = alt.Chart(held).mark_rule(strokeWidth=3, color=PAPER).encode(y=y, x=alt.X("low:Q"), x2="high:Q")
    points = (
        alt.Chart(held)
        .mark_point(filled=True, size=90)
        .encode(
            y=y,
            x=alt.X("effect:Q", title="change in the share that leaves", axis=axis),
            color=alt.condition("datum.effect > 0", alt.value(ALARM), alt.value(INK)),
            tooltip=["play:N", alt.Tooltip("effect:Q", format="+.1%"), "verdict:N"],
        )
    )
    nought = alt.Chart(alt.InlineData(values=[{"at": 0}])).mark_rule(strokeDash=[4, 4]).encode(x="at:Q")
    return styled(alt.layer(nought, spans, points).properties(width=WIDTH), "What each play does")  # type: ignore[no-any-return]


def _names(fields: Sequence[Field]) -> list[str]:
    return [one.name for one in fields]
