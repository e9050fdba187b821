"""Promoters: accounts that would recommend and use more and more, to ask for a referral or a case study."""

from dataclasses import asdict, dataclass
from typing import Final

import altair as alt
import pandas as pd

from features import outcomes, usage
from features.analyses.accounts_now import ACCOUNT, ARR, CALLED, OWNER, accounts_now
from features.analyses.answer import Answer, Field, Sheet, need
from features.analyses.drawing import HEIGHT, INK, PAPER, WIDTH, data, styled
from features.errors import SettingsError
from features.facts import Facts

NAME: Final = "promoters"
FEWEST_DAYS: Final = 10
"""Fewer days of use by people before do not tell growth from chance."""

PROMOTERS: Final = (
    ACCOUNT,
    CALLED,
    OWNER,
    Field(
        name="fit", title="ask for", kind="text", meaning="a referral; of who has been there a year a case study too"
    ),
    ARR,
    Field(name="nps", title="NPS", kind="number", meaning="mean of each one's latest answer, 0 to 10"),
    Field(name="answers", title="answers", kind="whole", meaning="people who answered", apart=True),
    Field(name="answered_on", title="last", kind="date", meaning="day of the latest answer"),
    Field(name="before", title="use before", kind="whole", meaning="days people came in the window before", apart=True),
    Field(name="now", title="use now", kind="whole", meaning="days people came in the window", apart=True),
    Field(name="growth", title="growth", kind="share", meaning="of use, beyond that of the whole book"),
)


@dataclass(frozen=True, kw_only=True)
class Promoters:
    """Mean NPS from ``nps`` with nobody below 7, and use grown by ``growth`` beyond the book's within ``window_days``.

    Each one's latest answer counts if it is not older than ``answer_days``. Raises SettingsError.
    """

    nps: float = 9.0
    growth: float = 0.1
    window_days: int = 84
    answer_days: int = 365

    def __post_init__(self) -> None:
        if not 0 <= self.nps <= 10 or self.growth < 0 or self.window_days < 7 or self.answer_days < 1:
            raise SettingsError(
                f"nps = {self.nps}, growth = {self.growth}, window_days = {self.window_days}, answer_days = "
                f"{self.answer_days}: 0 to 10, at least 0, at least 7 and at least 1"
            )


def promoters(facts: Facts, asked: Promoters | None = None, *, grace_days: int = outcomes.GRACE_DAYS) -> Answer:
    """Accounts to ask for a referral or a case study, the largest first. Raises DataError without surveys or events."""
    asked = asked or Promoters()
    need(facts, NAME, "surveys", "surveys.nps", "events", "events.user_id")
    usage.build(facts)
    found = accounts_now(facts, grace_days=grace_days).merge(_answers(facts, asked), on="account_id")
    found = found.merge(_use(facts, asked.window_days), on="account_id")
    fleet = found["now"].sum() / max(1, found["before"].sum())
    found["growth"] = found["now"] / found["before"].where(found["before"] >= FEWEST_DAYS) / max(fleet, 1e-9) - 1
    grows = (found["growth"] >= asked.growth) & (found["now"] > found["before"])
    there = found["contract_id"].notna() if facts.knows("contracts") else found["use"] == "active"
    chosen = found[(found["nps"] >= asked.nps) & (found["worst"] >= 7) & grows & there]
    old = pd.Timestamp(facts.cutoff) - pd.Timedelta(days=365)
    chosen = chosen.assign(fit=(chosen["since"] <= old).map({True: "case study, referral", False: "referral"}))
    chosen = chosen.sort_values(["arr", "account_id"], ascending=[False, True], na_position="last", ignore_index=True)
    return Answer(
        name=NAME,
        cutoff=facts.cutoff,
        says=_says(found, chosen, asked),
        sheets=(Sheet(name="promoters", fields=PROMOTERS, frame=chosen[[one.name for one in PROMOTERS]], most=20),),
        chart=_chart(found, set(chosen["account_id"])),
        asked=asdict(asked),
    )


def _answers(facts: Facts, asked: Promoters) -> pd.DataFrame:
    """The latest answer of each person (of all the unnamed together), by account."""
    day = facts.cutoff
    return facts.engine.frame(
        f"""WITH latest AS (
          SELECT account_id, user_id, arg_max(nps, answered_at) AS nps, max(answered_at) AS answered FROM surveys
          WHERE nps IS NOT NULL AND known_at < DATE '{day}'
            AND answered_at >= DATE '{day}' - INTERVAL {asked.answer_days} DAY
          GROUP BY account_id, user_id)
        SELECT account_id, avg(nps) AS nps, min(nps) AS worst, count(*) AS answers,
               date_trunc('day', max(answered)) AS answered_on
        FROM latest GROUP BY account_id ORDER BY account_id"""
    )


def _use(facts: Facts, window: int) -> pd.DataFrame:
    """Days on which people came, each one's counted, in the window before the cutoff and in the one before that."""
    day = facts.cutoff
    return facts.engine.frame(
        f"""SELECT n.account_id, coalesce(sum(d.user_days) FILTER (d.day >= DATE '{day}' - {window}), 0) AS now,
               coalesce(sum(d.user_days) FILTER (d.day < DATE '{day}' - {window}), 0) AS before
        FROM account_day d JOIN account_number n USING (account)
        WHERE d.day >= DATE '{day}' - {2 * window} AND d.known_on < DATE '{day}'
        GROUP BY n.account_id ORDER BY n.account_id"""
    )


def _says(found: pd.DataFrame, chosen: pd.DataFrame, asked: Promoters) -> tuple[str, ...]:
    liking = int(((found["nps"] >= asked.nps) & (found["worst"] >= 7)).sum())
    if chosen.empty:
        return (f"Nobody to ask: {liking:,} of {len(found):,} accounts that answered would recommend, none uses more.",)
    return (
        f"{len(chosen):,} accounts to ask for a referral or a case study: they would recommend and use more; "
        f"{liking:,} of {len(found):,} that answered would recommend.",
    )


def _chart(found: pd.DataFrame, chosen: set[str]) -> alt.TopLevelMixin | None:
    shown = found[found["growth"].notna()]
    if shown.empty:
        return None
    rows = shown[["name", "nps", "growth", "arr"]].assign(asked=shown["account_id"].isin(chosen))
    made = (
        alt.Chart(data(rows.assign(growth=rows["growth"].clip(-1, 2))))
        .mark_circle(opacity=0.75)
        .encode(
            x=alt.X("nps:Q", title="would recommend (NPS answer)", scale=alt.Scale(domain=[0, 10])),
            y=alt.Y("growth:Q", title="growth of use beyond the book's", axis=alt.Axis(format="+%")),
            size=alt.Size("arr:Q", title="ARR", legend=alt.Legend(format="~s")),
            color=alt.condition("datum.asked", alt.value(INK), alt.value(PAPER)),
            tooltip=["name:N", "nps:Q", alt.Tooltip("growth:Q", format="+.0%"), alt.Tooltip("arr:Q", format=",.0f")],
        )
        .properties(width=WIDTH, height=HEIGHT)
    )
    return styled(made, "Who would recommend, and uses more")  # type: ignore[no-any-return]
