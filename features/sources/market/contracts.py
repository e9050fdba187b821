"""The agreements of a simulated market, term after term: causes, the decision, and what the next term looks like."""

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
import pandas as pd

from features.sources.market.accounts import Accounts, Flags, Ints
from features.sources.market.causes import (
    CARE_EFFECT,
    CAUSES,
    EFFECTS,
    FIT_EFFECT,
    FIT_ON_CHANCE,
    LATE_PAYER_EFFECT,
    MONTHLY_SHIFT,
    PRICE,
    SEATS,
    Floats,
    chances,
    lead_bounds,
    leave_probability,
)
from features.sources.market.growth import draw_wants, more_seats
from features.sources.market.settings import SEGMENTS, MarketSettings

PRICE_RISE: Final = (0.18, 0.4)
USUAL_RISE: Final = (0.0, 0.03)
CHANGE: Final = 0.05
"""A change of ARR beyond this share makes a renewal an expansion or a downgrade."""


@dataclass(frozen=True, kw_only=True)
class Contracts:
    """Per term, all of length m, ordered by account and term; days count from the first day of the record.

    ``log_odds`` is what is known of leaving without the planted causes; ``onset`` is (m, causes) with NaN where there
    is none. ``left`` and ``decided`` are drawn for every term, also for those still open at the end of the record.
    ``opportunity`` is the day a chance to sell more was opened (NaN: none), ``wants`` that from which it shows that the
    account wants more.
    """

    account: Ints
    term: Ints
    starts: Ints
    ends: Ints
    signed: Ints
    monthly: Flags
    seats: Ints
    price: Floats
    care: Ints
    log_odds: Floats
    chance: Floats
    onset: Floats
    left: Flags
    decided: Ints
    next_arr: Floats
    opportunity: Floats
    wants: Floats

    @property
    def arr(self) -> Floats:
        """Annual recurring revenue."""
        return np.round(self.seats * self.price, 2)

    def outcome(self) -> "np.ndarray[tuple[int], np.dtype[np.str_]]":
        """How each term ends, by the rule of the contracts table."""
        ratio = self.next_arr / self.arr
        stayed = np.where(ratio > 1 + CHANGE, "expanded", np.where(ratio < 1 - CHANGE, "downgraded", "renewed"))
        return np.where(self.left, "churned", stayed)


@dataclass(frozen=True, kw_only=True)
class _Round:
    """The terms that begin together: one per account that is still a customer."""

    account: Ints
    term: int
    starts: Ints
    signed: Ints
    seats: Ints
    price: Floats
    risen: Flags


def draw_contracts(accounts: Accounts, settings: MarketSettings) -> Contracts:
    """Draw every term that is signed before the record ends."""
    rng = settings.stream("contracts")
    n = accounts.ids.size
    price = np.array([s.list_price for s in SEGMENTS])[accounts.segment] * (1 - accounts.discount)
    now = _Round(
        account=np.arange(n),
        term=0,
        starts=accounts.joined,
        signed=accounts.joined - rng.integers(0, 15, n) * (accounts.joined > 15),
        seats=accounts.seats,
        price=np.round(price, 2),
        risen=np.zeros(n, dtype=bool),
    )
    drawn: list[Contracts] = []
    while now.account.size:
        terms, now = _term(now, accounts, settings, rng)
        drawn.append(terms)
    together = {f.name: np.concatenate([getattr(terms, f.name) for terms in drawn]) for f in fields(Contracts)}
    order = np.lexsort((together["term"], together["account"]))
    return Contracts(**{name: values[order] for name, values in together.items()})


def _term(
    now: _Round, accounts: Accounts, settings: MarketSettings, rng: np.random.Generator
) -> tuple[Contracts, _Round]:
    """One term of each account, and the round of those that stay and sign before the record ends."""
    monthly, fit = accounts.monthly[now.account], accounts.fit[now.account]
    ends = _months_later(now.starts, np.where(monthly, 1, 12), settings)
    shared = accounts.shared_on[now.account] < ends
    chance = chances(fit, monthly, first_term=np.full(monthly.size, now.term == 0), shared=shared)
    onset = _onsets(now, ends, monthly, chance, rng)
    care, log_odds = _standing(now, accounts, rng)
    probability = leave_probability(log_odds + ~np.isnan(onset) @ EFFECTS, monthly)
    left = rng.random(fit.size) < probability
    opportunity = _opportunities(ends, monthly, fit, rng)
    seats = _next_seats(now.seats, monthly, fit, ~np.isnan(onset[:, SEATS]), ~np.isnan(opportunity), rng)
    risen = rng.random(fit.size) < np.where(monthly, CAUSES[PRICE].monthly_chance, CAUSES[PRICE].chance) * np.exp(
        FIT_ON_CHANCE * fit
    )
    usual = rng.uniform(*USUAL_RISE, fit.size) * (~monthly | (now.term % 12 == 11))
    price = np.round(now.price * (1 + np.where(risen, rng.uniform(*PRICE_RISE, fit.size), usual)), 2)
    wants = np.full(fit.size, np.nan)
    growing = draw_wants(settings.growth, ends, monthly, growth_rng := settings.stream(f"growth {now.term}"))
    if growing is not None:
        left, opportunity, wants = left & ~growing.buys, growing.opportunity, growing.since
        seats = np.where(growing.buys, more_seats(now.seats, growth_rng), np.minimum(seats, now.seats))
        price, risen = np.where(risen, now.price, price), np.zeros(fit.size, dtype=bool)
    decided = ends + _decision_day(left, monthly, rng)
    terms = Contracts(
        account=now.account,
        term=np.full(fit.size, now.term),
        starts=now.starts,
        ends=ends,
        signed=now.signed,
        monthly=monthly,
        seats=now.seats,
        price=now.price,
        care=care,
        log_odds=log_odds,
        chance=chance,
        onset=onset,
        left=left,
        decided=decided,
        next_arr=np.where(left, 0.0, np.round(seats * price, 2)),
        opportunity=opportunity,
        wants=wants,
    )
    stays = ~left & (decided < settings.days)
    following = _Round(
        account=now.account[stays],
        term=now.term + 1,
        starts=ends[stays],
        signed=decided[stays],
        seats=seats[stays],
        price=price[stays],
        risen=risen[stays],
    )
    return terms, following


def _months_later(days: Ints, months: Ints, settings: MarketSettings) -> Ints:
    dates = settings.first + days
    month = dates.astype("datetime64[M]")
    within = dates - month.astype("datetime64[D]")
    later: Ints = ((month + months).astype("datetime64[D]") + within - settings.first).astype(np.int64)
    return later


def _onsets(now: _Round, ends: Ints, monthly: Flags, chance: Floats, rng: np.random.Generator) -> Floats:
    """(n, causes): the day each cause begins, NaN where it does not. A risen price begins when it is signed."""
    least, most = lead_bounds(monthly, (ends - now.starts).astype(float))
    day = ends[:, None] - rng.uniform(least, most)
    onset = np.where(rng.random(chance.shape) < chance, day, np.nan)
    onset[:, PRICE] = np.where(now.risen, now.signed, np.nan)
    return onset


def _standing(now: _Round, accounts: Accounts, rng: np.random.Generator) -> tuple[Ints, Floats]:
    """How much care the account gets in this term (0 to 2), and its log-odds of leaving without any cause."""
    segment = accounts.segment[now.account]
    levels = np.cumsum([s.care for s in SEGMENTS], axis=1)[segment]
    care = (rng.random(segment.size)[:, None] > levels[:, :2]).sum(axis=1)
    base = np.array([s.base_log_odds for s in SEGMENTS])[segment] + MONTHLY_SHIFT * accounts.monthly[now.account]
    traits = FIT_EFFECT * accounts.fit[now.account] + LATE_PAYER_EFFECT * accounts.late_payer[now.account]
    return care, base + traits + CARE_EFFECT * (care - 1)


def _opportunities(ends: Ints, monthly: Flags, fit: Floats, rng: np.random.Generator) -> Floats:
    """The day a chance to sell more is opened: it depends on fit alone, never on the decision to come."""
    chance = np.where(monthly, 0.03, 0.3) * np.exp(0.4 * fit)
    lead = np.where(monthly, rng.uniform(4, 25, fit.size), rng.uniform(20, 160, fit.size))
    return np.where(rng.random(fit.size) < chance, np.floor(ends - lead), np.nan)


def _next_seats(
    seats: Ints, monthly: Flags, fit: Floats, unused: Flags, asked: Flags, rng: np.random.Generator
) -> Ints:
    """The seats of the next term: more for the fitting and those who asked, fewer where seats stand unused."""
    draw, size = rng.random(fit.size), rng.random(fit.size)
    more = np.minimum(0.2 * np.exp(0.5 * fit) + 0.35 * asked, 0.9) * np.where(monthly, 0.15, 1)
    fewer = np.minimum(0.05 * np.exp(-0.3 * fit) + 0.4 * unused, 0.9) * np.where(monthly, 0.3, 1)
    factor = np.where(draw < more, 1.1 + 0.35 * size, np.where(draw > 1 - fewer, 0.55 + 0.3 * size, 1.0))
    following: Ints = np.clip(np.round(seats * factor), 2, 120).astype(np.int64)
    return following


def _decision_day(left: Flags, monthly: Flags, rng: np.random.Generator) -> Ints:
    """Days from the end of the term to the decision: up to 25 before (3 for a month) and a few after."""
    year = np.where(left & (rng.random(left.size) < 0.4), 0, np.round(rng.triangular(-25, -3, 14, left.size)))
    days: Ints = np.where(monthly, rng.integers(-3, 3, left.size), year).astype(np.int64)
    return days


def contract_ids(contracts: Contracts, accounts: Accounts) -> "np.ndarray[tuple[int], np.dtype[np.str_]]":
    """The name of each term: its account and its number, counted from one."""
    return np.array([f"{accounts.ids[a]}-c{t + 1:02d}" for a, t in zip(contracts.account, contracts.term, strict=True)])


def contracts_table(contracts: Contracts, accounts: Accounts, settings: MarketSettings) -> pd.DataFrame:
    """The table `contracts` as known at the end of the record: the outcome only where it was decided by then."""
    rng = settings.stream("contracts table")
    decided = contracts.decided < settings.days
    quarterly = accounts.quarterly[contracts.account]
    plan = np.array([s.plan for s in SEGMENTS])[accounts.segment[contracts.account]]
    auto_renew = rng.random(accounts.ids.size) < 0.5
    outcome = contracts.outcome().astype(object)
    outcome[~decided] = None
    return pd.DataFrame(
        {
            "contract_id": contract_ids(contracts, accounts),
            "account_id": accounts.ids[contracts.account],
            "starts_on": (settings.first + contracts.starts).astype("datetime64[s]"),
            "ends_on": (settings.first + contracts.ends).astype("datetime64[s]"),
            "arr": contracts.arr,
            "seats": contracts.seats.astype(float),
            "plan": plan,
            "billing_period": np.where(contracts.monthly, "monthly", np.where(quarterly, "quarterly", "annual")),
            "auto_renew": contracts.monthly | auto_renew[contracts.account],
            "outcome": outcome,
            "decided_on": pd.Series((settings.first + contracts.decided).astype("datetime64[s]")).where(decided),
            "known_at": (settings.first + contracts.signed).astype("datetime64[us]") + np.timedelta64(12, "h"),
        }
    )
