"""The four quadrants: health against the wish to buy more, what to do in each, and who moved since."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from typing import Any, Final

import altair as alt
import numpy as np
import pandas as pd

from features.analyses.accounts_now import ACCOUNT, ARR, CALLED, OWNER, accounts_now
from features.analyses.answer import Answer, Field, Sheet, need
from features.analyses.drawing import ALARM, SERIES, WIDTH, data, styled
from features.analyses.intent import Intent, intent
from features.errors import SettingsError
from features.facts import Facts
from features.snapshots import Mode, Renewal
from training.health_answer import measure

NAME: Final = "quadrants"
BEFORE_DAYS: Final = 90

PLAYS: Final[Mapping[str, tuple[str, str]]] = {
    "best": ("warm and healthy", "Show them new products and features first; ask whom they would recommend."),
    "close now": ("warm, hardly uses it", "Ask for the order now, then raise use step by step."),
    "at risk": ("cold, hardly uses it", "Encourage use, guide to the features that keep customers, train."),
    "find out why": (
        "healthy, will not pay more",
        "Find out why: use above what they pay for? several people on one login? Offer more accounts.",
    ),
}
"""Each quadrant: who is in it, and what practitioners do."""

ACCOUNTS: Final = (
    ACCOUNT,
    CALLED,
    OWNER,
    ARR,
    Field(name="quadrant", title="quadrant", kind="text", meaning=", ".join(PLAYS)),
    Field(name="health", title="health", kind="whole", meaning="how well it uses the product, 0 to 100"),
    Field(name="temperature", title="temperature", kind="number", meaning="how likely it is to buy more, 0 to 100"),
    Field(name="before", title="before", kind="text", meaning="its quadrant at the earlier cutoff"),
    Field(name="why", title="signs of buying", kind="text", meaning="where its temperature comes from", wraps=True),
)

QUADRANTS: Final = (
    Field(name="quadrant", title="quadrant", kind="text", meaning="which one"),
    Field(name="who", title="who", kind="text", meaning="what accounts in it are like"),
    Field(name="accounts", title="accounts", kind="whole", meaning="how many"),
    Field(name="arr", title="ARR", kind="money", meaning="their annual recurring revenue"),
    Field(name="came", title="came", kind="whole", meaning="of them in another one at the earlier cutoff"),
    Field(name="play", title="what to do", kind="text", meaning="the play", wraps=True),
)

MOVES: Final = (
    Field(name="before", title="from", kind="text", meaning="the quadrant at the earlier cutoff"),
    Field(name="quadrant", title="to", kind="text", meaning="the quadrant now"),
    Field(name="accounts", title="accounts", kind="whole", meaning="how many moved so"),
    Field(name="arr", title="ARR", kind="money", meaning="their annual recurring revenue"),
)


@dataclass(frozen=True, kw_only=True)
class QuadrantsAsked:
    """``since``: the earlier cutoff of moves (None: 90 days before); ``health`` and ``temperature``: where they part
    (None: where health is green, and the book's mean temperature). Raises SettingsError.
    """

    since: date | None = None
    health: float | None = None
    temperature: float | None = None
    intent: Intent = field(default_factory=Intent)

    def __post_init__(self) -> None:
        for name in ("health", "temperature"):
            value = getattr(self, name)
            if value is not None and not 0 < value < 100:
                raise SettingsError(f"{name} = {value}: quadrants part between 0 and 100")


@dataclass(frozen=True, kw_only=True)
class Warm:
    """Temperatures by account, 0 to 100, of the latest scores and of those before ``since`` (None: there are none)."""

    now: Mapping[str, float]
    before: Mapping[str, float] | None
    origin: str


def quadrants(
    facts: Facts,
    mode: Mode,
    asked: QuadrantsAsked | None = None,
    *,
    warm: Warm | None = None,
    by_hand: Mapping[str, float] | None = None,
) -> Answer:
    """Every account of the book in its quadrant. ``warm``: temperatures by a model; None: by declared signs.

    Raises DataError without events, or where nothing tells a temperature.
    """
    asked = asked or QuadrantsAsked()
    need(facts, NAME, "events")
    since = asked.since or facts.cutoff - timedelta(days=BEFORE_DAYS)
    if since >= facts.cutoff:
        raise SettingsError(f"since = {since}: moves are told since a day before the cutoff, {facts.cutoff}")
    measured = measure(facts, mode, cutoffs=(facts.cutoff, since), by_hand=by_hand)
    now = _temperatures(facts, facts.cutoff, asked, None if warm is None else warm.now)
    # A model that had said nothing by then leaves moves unknown: signs would not be on its scale.
    known = warm is None or warm.before is not None
    then = _temperatures(facts, since, asked, None if warm is None else warm.before) if known else None
    looks = measured.at(facts.cutoff)
    made = looks[["health"]].join(now, how="inner")
    borders = (
        asked.health or measured.health.green,
        asked.temperature or max(float(made["temperature"].mean()) if len(made) else 1.0, 1e-9),
    )
    made["quadrant"] = _placed(made, borders)
    made["before"] = None
    if then is not None:
        earlier = measured.at(since)[["health"]].join(then, how="inner")
        made["before"] = pd.Series(_placed(earlier, borders), index=earlier.index, dtype=object).reindex(made.index)
    accounts = _accounts(facts, mode, made)
    sums, moves = _sums(accounts), _moves(accounts)
    origin = "signs of buying that people declared" if warm is None else warm.origin
    return Answer(
        name=NAME,
        cutoff=facts.cutoff,
        says=_says(accounts, sums, borders, origin, since, then is not None),
        sheets=(
            Sheet(name="quadrants", fields=QUADRANTS, frame=sums),
            Sheet(name="moves", fields=MOVES, frame=moves, most=12),
            Sheet(name="accounts", fields=ACCOUNTS, frame=accounts, most=20),
        ),
        chart=_chart(accounts, borders) if len(accounts) else None,
        asked=asdict(asked),
    )


def _temperatures(facts: Facts, day: date, asked: QuadrantsAsked, given: Mapping[str, float] | None) -> pd.DataFrame:
    """Temperature and why, by account_id."""
    if given is None:
        return intent(facts, day, asked.intent).set_index("account_id")
    return pd.DataFrame({"temperature": pd.Series(dict(given), dtype=float), "why": None})


def _placed(looks: pd.DataFrame, borders: tuple[float, float]) -> np.ndarray:
    healthy, warm = looks["health"] >= borders[0], looks["temperature"] >= borders[1]
    return np.select([healthy & warm, warm, ~healthy], ["best", "close now", "at risk"], "find out why")


def _accounts(facts: Facts, mode: Mode, made: pd.DataFrame) -> pd.DataFrame:
    """Every account, the quadrants in the order of `PLAYS`, those who pay most first."""
    grace = {"grace_days": mode.grace_days} if isinstance(mode, Renewal) else {}
    known = accounts_now(facts, **grace).set_index("account_id")[["name", "owner", "arr"]]
    frame = made.join(known).rename_axis("account_id").reset_index()
    frame["health"] = np.floor(frame["health"])
    frame["order"] = frame["quadrant"].map({name: place for place, name in enumerate(PLAYS)})
    frame = frame.sort_values(["order", "arr", "account_id"], ascending=[True, False, True])
    return frame[[one.name for one in ACCOUNTS]].reset_index(drop=True)


def _sums(accounts: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for name, (who, play) in PLAYS.items():
        these = accounts[accounts["quadrant"] == name]
        came = int((these["before"].notna() & (these["before"] != name)).sum())
        rows.append(
            {
                "quadrant": name,
                "who": who,
                "accounts": len(these),
                "arr": float(these["arr"].sum()),
                "came": came,
                "play": play,
            }
        )
    return pd.DataFrame(rows, columns=[one.name for one in QUADRANTS])


def _moves(accounts: pd.DataFrame) -> pd.DataFrame:
    moved = accounts[accounts["before"].notna() & (accounts["before"] != accounts["quadrant"])]
    found = moved.groupby(["before", "quadrant"], as_index=False).agg(
        accounts=("account_id", "size"), arr=("arr", "sum")
    )
    found = found.sort_values(["accounts", "before", "quadrant"], ascending=[False, True, True], ignore_index=True)
    return found[[one.name for one in MOVES]]


def _says(
    accounts: pd.DataFrame,
    sums: pd.DataFrame,
    borders: tuple[float, float],
    origin: str,
    since: date,
    moves_known: bool,
) -> tuple[str, ...]:
    if not len(accounts):
        return ("No account has both a health and a temperature: there are no quadrants.",)
    counts = dict(zip(sums["quadrant"], sums["accounts"], strict=True))
    lines = [
        f"Of {len(accounts):,} accounts {counts['best']:,} are warm and healthy, {counts['close now']:,} warm but "
        f"hardly use it, {counts['at risk']:,} neither, {counts['find out why']:,} healthy but not about to buy.",
        f"Health parts at {borders[0]:.0f}, temperature at {borders[1]:.1f}; temperatures are {origin}.",
    ]
    if moves_known:
        moved = accounts["before"].notna() & (accounts["before"] != accounts["quadrant"])
        fell = int((moved & (accounts["quadrant"] == "at risk")).sum())
        lines.append(f"{int(moved.sum()):,} moved since {since}, {fell:,} of them to where the risk is.")
    else:
        lines.append(f"Who moved is not known: nothing was scored with a temperature by {since}.")
    return tuple(lines)


def _chart(accounts: pd.DataFrame, borders: tuple[float, float]) -> alt.TopLevelMixin:
    """A bubble an account; the quadrants with their names."""
    most = max(float(accounts["temperature"].max()) * 1.05, borders[1] * 1.5)
    # Room below zero, where many bubbles lie, for the names of the quadrants.
    least = -0.08 * most
    known = accounts.assign(arr=accounts["arr"].fillna(0.0))
    shades = [SERIES[3], SERIES[2], ALARM, SERIES[0]]
    bubbles = (
        alt.Chart(data(known))
        .mark_circle(opacity=0.55, stroke="white", strokeWidth=0.5)
        .encode(
            x=alt.X("health:Q", title="health", scale=alt.Scale(domain=[0, 100])),
            y=alt.Y("temperature:Q", title="temperature", scale=alt.Scale(domain=[least, most], nice=False)),
            size=alt.Size(
                "arr:Q", title="ARR", scale=alt.Scale(range=[12, 500]), legend=alt.Legend(symbolFillColor="#999")
            ),
            color=alt.Color("quadrant:N", scale=alt.Scale(domain=list(PLAYS), range=shades), title="quadrant"),
            tooltip=["name:N", "quadrant:N", "health:Q", "temperature:Q", "arr:Q", "before:N"],
        )
    )
    corners = pd.DataFrame(
        {
            "x": [99.0, 1.0, 1.0, 99.0],
            "y": [most, most, least, least],
            "text": ["show what is new", "close now, then grow use", "guide and train", "find out why"],
        }
    )
    places: list[dict[str, Any]] = [
        {"align": align, "baseline": base, "dy": 4 if base == "top" else -4}
        for align, base in (("right", "top"), ("left", "top"), ("left", "bottom"), ("right", "bottom"))
    ]
    words = [
        alt.Chart(data(corners.iloc[[row]]))
        .mark_text(fontWeight="bold", color="#444", **place)
        .encode(x="x:Q", y="y:Q", text="text:N")
        for row, place in enumerate(places)
    ]
    lines = [
        alt.Chart(data(pd.DataFrame({"x": [borders[0]]}))).mark_rule(color="#777", strokeDash=[4, 3]).encode(x="x:Q"),
        alt.Chart(data(pd.DataFrame({"y": [borders[1]]}))).mark_rule(color="#777", strokeDash=[4, 3]).encode(y="y:Q"),
    ]
    layered = alt.layer(*lines, bubbles, *words).properties(width=WIDTH, height=380)
    return styled(layered, "Health and the wish to buy more")  # type: ignore[no-any-return]
