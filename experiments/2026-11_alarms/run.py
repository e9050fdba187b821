"""Are falls of use told, and dips of the fleet not? To result.json, README.md and curve.svg."""

import json
import re
from datetime import date
from pathlib import Path

import altair as alt
import numpy as np
import pandas as pd
import vl_convert

from features.analyses.alarms import everything_told
from features.analyses.daily_use import DailyUse, daily_use
from features.analyses.drawing import SERIES, data, styled
from features.analyses.watching import Rule, watch
from features.engines.duckdb import DuckEngine
from features.intake import take_in
from features.sources.market import Market, MarketSettings, simulate
from features.sources.simulated import Simulated

HERE = Path(__file__).parent
SEEDS = (411, 412, 413)
"""Markets that nothing was tried on before; the rule was made on 21 and 22, its threshold chosen on 401 to 403."""

ACCOUNTS, MONTHS, WARM_DAYS = 600, 36, 365
VOLUMES = (1.0, 3.0)
DIPS = ((430, 5, 0.5), (610, 10, 0.3), (800, 2, 0.0), (950, 7, 0.4))
"""Injected: first day, days, and the share of everybody's use that remains, beside the market's own holidays."""

SURES = (2.3, 2.7, 3.0, 3.3, 3.6, 4.0)
WITHIN = 7
HALF, FULL = {False: 22, True: 5}, {False: 35, True: 8}
"""Days until a planted decline has taken half of the use (at its mean floor), and all it takes; monthly terms last."""

CAUSES = ("decline", "seats_unused", "champion_left", "key_feature_abandoned")
"""An alarm is right while one of these is on: all of them lower use. Only declines are asked to be told."""

LASTING = 120


def main() -> None:
    """Measure every market at every threshold, and the fixed rule; write figures, table and picture."""
    rows = [row for volume in VOLUMES for seed in SEEDS for row in measure(volume, seed)]
    (HERE / "result.json").write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    frame = pd.DataFrame(rows)
    page = HERE / "README.md"
    text = page.read_text(encoding="utf-8")
    put = rf"\g<1>{shown(frame)}\n\g<2>"
    page.write_text(
        re.sub(r"(<!-- figures -->\n).*?(<!-- end: figures -->)", put, text, flags=re.DOTALL), encoding="utf-8"
    )
    (HERE / "curve.svg").write_text(drawn(frame), encoding="utf-8")


def measure(volume: float, seed: int) -> list[dict]:
    """One market: our rule at every threshold, and the fixed one."""
    settings = MarketSettings(accounts=ACCOUNTS, months=MONTHS, seed=seed, volume=volume)
    market = simulate(settings)
    with DuckEngine(threads=1) as engine:
        facts = take_in(Simulated(settings=settings), engine, None, now=date(2100, 1, 1))
        use = dipped(daily_use(facts, most_days=31 * MONTHS), seed)
    truth = declines(market, use)
    rows = []
    for sure in SURES:
        rule = Rule(sure=sure)
        people = watch(use.people, use.present, rule, instead=use.api)
        api = watch(use.api, use.present, rule)
        told = everything_told(use, people, api, a_week=20)
        alarms = [(one.day, one.fall.account, one.fall.ended) for one in told if one.day >= WARM_DAYS]
        rows.append({"rule": "ebb", "threshold": sure, **judged(alarms, truth, use, people.expected, rule.least)})
    least = watch(use.people, use.present, Rule()).expected
    for drop in (0.4, 0.5, 0.6, 0.8):
        alarms = fixed(use, drop)
        rows.append({"rule": "fixed", "threshold": drop, **judged(alarms, truth, use, least, Rule().least)})
    print(volume, seed, flush=True)
    return [{"volume": volume, "seed": seed, **row} for row in rows]


def dipped(use: DailyUse, seed: int) -> DailyUse:
    """The same with the dips of `DIPS`: on these days everybody does only a part."""
    draw = np.random.default_rng(seed)
    people, api = use.people.copy(), use.api.copy()
    for first, days, left in DIPS:
        for series in (people, api):
            part = series[first : first + days]
            series[first : first + days] = draw.binomial(part.astype(int), left)
    return DailyUse(first=use.first, accounts=use.accounts, people=people, api=api, present=use.present)


def declines(market: Market, use: DailyUse) -> pd.DataFrame:
    """Every planted cause: account (place), cause, day, the days of half and all of a decline, end of the term."""
    terms = market.tables["contracts"].set_index("contract_id")
    place = {name: number for number, name in enumerate(use.accounts)}
    found = market.causes[market.causes["account_id"].isin(place)].copy()
    first = pd.Timestamp(use.first)
    monthly = (terms["billing_period"].reindex(found["contract_id"]) == "monthly").to_numpy()
    found["place"] = found["account_id"].map(place)
    found["day"] = (found["onset"] - first).dt.days
    found["end"] = (pd.to_datetime(terms["ends_on"].reindex(found["contract_id"])).to_numpy() - first.to_numpy()) // (
        np.timedelta64(1, "D")
    )
    found["half"] = found["day"] + np.where(monthly, HALF[True], HALF[False])
    found["full"] = found["day"] + np.where(monthly, FULL[True], FULL[False])
    return found


def judged(alarms: list, truth: pd.DataFrame, use: DailyUse, expected: np.ndarray, least: float) -> dict:
    """Precision, false alarms a year, and recall within a week of half and of all of each decline."""
    causes = truth[truth["cause"].isin(CAUSES)]
    lasting: dict[int, list[tuple[int, int]]] = {}
    for row in causes.itertuples():
        lasting.setdefault(row.place, []).append((row.day, min(row.end, row.day + LASTING + 1)))
    right = sum(any(first <= day < last for first, last in lasting.get(account, [])) for day, account, _ in alarms)
    years = use.present[WARM_DAYS:].sum() / 365
    found: dict = {
        "alarms": len(alarms),
        "precision": right / max(len(alarms), 1),
        "false_a_year": (len(alarms) - right) / years,
    }
    by_account: dict[int, list] = {}
    for alarm in alarms:
        by_account.setdefault(alarm[1], []).append(alarm)
    for name in ("half", "full"):
        asked = truth[(truth["cause"] == "decline") & (truth[name] >= WARM_DAYS) & (truth[name] < truth["end"])]
        asked = asked[asked[name] + WITHIN < len(use.people)]
        hits = np.array(
            [warned(by_account, row.place, row.day, getattr(row, name) + WITHIN) for row in asked.itertuples()]
        )
        size = np.array([expected[row.day - 21 : row.day, row.place].sum() for row in asked.itertuples()])
        watched = size >= least
        found |= {
            f"recall_{name}": float(hits[watched].mean()),
            f"recall_{name}_of_all": float(hits.mean()),
            f"declines_{name}": int(watched.sum()),
            f"declines_{name}_of_all": len(asked),
        }
    return found


def warned(alarms: dict[int, list], account: int, since: int, until: int) -> bool:
    """Whether an alarm of the account was on at some time from the onset to the last day asked."""
    return any(day <= until and (ended is None or ended > since) for day, _, ended in alarms.get(account, []))


def fixed(use: DailyUse, drop: float) -> list[tuple[int, int, int | None]]:
    """The rule that many use: 14 days against the 14 before, no more; told again after four weeks."""
    sums = np.vstack([np.zeros((1, use.people.shape[1])), use.people.cumsum(axis=0)])
    alarms: list[tuple[int, int, int | None]] = []
    last = np.full(use.people.shape[1], -1000)
    for day in range(WARM_DAYS, len(use.people)):
        now, before = sums[day + 1] - sums[day - 13], sums[day - 13] - sums[day - 27]
        fell = (before > 0) & (now <= (1 - drop) * before) & use.present[day] & (day - last >= 28)
        last[fell] = day
        alarms += [(day, int(account), day + 28) for account in np.flatnonzero(fell)]
    return alarms


def shown(frame: pd.DataFrame) -> str:
    """The table of the page: mean over the markets, and the worst of them."""
    lines = [
        "| events | rule | threshold | alarms | precision (worst) | false a year and account "
        "| told within 7 days of all (worst) | of half | of all, tiny ones too |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for (volume, rule, threshold), some in frame.groupby(["volume", "rule", "threshold"]):
        mean, worst = some.mean(numeric_only=True), some.min(numeric_only=True)
        lines.append(
            f"| {volume:g} x | {rule} | {threshold:g} | {mean['alarms']:.0f} | {mean['precision']:.2f} "
            f"({worst['precision']:.2f}) | {mean['false_a_year']:.2f} | {mean['recall_full']:.2f} "
            f"({worst['recall_full']:.2f}) | {mean['recall_half']:.2f} | {mean['recall_full_of_all']:.2f} |"
        )
    return "\n".join(lines)


def drawn(frame: pd.DataFrame) -> str:
    """Precision against recall, each market a thin line, the mean a thick one."""
    frame = frame.assign(use=frame["volume"].map("{:g} x events".format))
    mean = frame.groupby(["use", "rule", "threshold"], as_index=False).mean(numeric_only=True)
    axes = {
        "x": alt.X("recall_full:Q", title="told within 7 days", scale=alt.Scale(domain=[0, 1])),
        "y": alt.Y("precision:Q", title="precision", scale=alt.Scale(domain=[0, 1])),
        "order": "threshold:Q",
    }
    colour = alt.Color("rule:N", scale=alt.Scale(domain=["ebb", "fixed"], range=list(SERIES[:2])), title="rule")
    panels = []
    for volume, some in frame.groupby("use"):
        thin = alt.Chart(data(some)).mark_line(opacity=0.3).encode(color=colour, detail="seed:N", **axes)
        thick = alt.Chart(data(mean[mean["use"] == volume])).mark_line(point=True).encode(color=colour, **axes)
        panels.append((thin + thick).properties(width=280, height=240, title=str(volume)))
    return vl_convert.vegalite_to_svg(
        json.dumps(styled(alt.hconcat(*panels), "Falls told, and alarms right").to_dict())
    )


if __name__ == "__main__":
    main()
