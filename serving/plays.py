"""Plays: what a person does when a score and its drivers call for it. The first of `PLAYS` that fits is suggested.

A new play is one entry. The days and the order come from customer-success practice: 30 days decide whether people come
to use the product, renewal work begins 90 days before the end, and a first contact in the last week comes too late.
"""

from dataclasses import dataclass
from typing import Final

from features.analyses.life_days import CRITICAL_WINDOW_DAYS, LAST_WEEK_DAYS, RENEWAL_WORK_DAYS
from serving.book import Band, Reason, Score


@dataclass(frozen=True, kw_only=True)
class Play:
    """One play, and what calls for it; what is left empty asks for nothing.

    ``families`` and ``signals`` (beginnings of names) are looked for in the driver that raises the risk most. ``days``
    bounds the days to the renewal, ``into_term`` the days since the term began; both ends belong to them. ``owner``
    says who does it, by ``due_days`` after it was suggested, in which ``steps``. Where ``drawn``, some accounts are
    left out by chance, so that one day its effect can be told (`serving.lots`).
    """

    name: str
    todo: str
    owner: str = "customer success"
    due_days: int = 7
    steps: tuple[str, ...] = ()
    drawn: bool = True
    bands: tuple[Band, ...] = ("high", "medium")
    families: tuple[str, ...] = ()
    signals: tuple[str, ...] = ()
    days: tuple[int, int] | None = None
    into_term: tuple[int, int] | None = None

    def is_called_for(self, score: Score) -> bool:
        """Whether the account's band, dates and strongest driver ask for it."""
        reason = strongest(score)
        return (
            score.band in self.bands
            and _within(score.days_to_renewal, self.days)
            and _within(days_into_term(score), self.into_term)
            and (not self.families or (reason is not None and reason.family in self.families))
            and (not self.signals or (reason is not None and reason.signal.startswith(self.signals)))
        )


PLAYS: Final[tuple[Play, ...]] = (
    Play(
        name="last week",
        todo="Call the decision maker today. 90 days ahead was the time: note it for the next term.",
        due_days=1,
        steps=(
            "Call the decision maker.",
            "Offer a short extension rather than lose the term.",
            "Write down why nobody called earlier.",
        ),
        # It comes too late to try anything by chance.
        drawn=False,
        days=(0, LAST_WEEK_DAYS),
    ),
    Play(
        name="first month",
        todo="Guide people into the product now, several times if needed: the first 30 days decide.",
        due_days=3,
        steps=(
            "Invite the first users by name.",
            "Guide them through the first task together.",
            "Look after a week who came back.",
        ),
        into_term=(0, CRITICAL_WINDOW_DAYS),
        families=("frequency", "time_spent", "adoption", "seats"),
    ),
    Play(
        name="new sponsor",
        todo="Find out whether the champion left, and meet a new sponsor; train those who took over.",
        due_days=7,
        steps=("Ask the administrator who took over.", "Meet the new sponsor.", "Train those who took over."),
        signals=("champion_silence", "top_user_share", "departures", "kept_users", "admin_silence", "active_admins"),
    ),
    Play(
        name="seat training",
        todo="Train the teams whose seats stand unused; look at their use together after two weeks.",
        due_days=14,
        steps=(
            "Find the teams whose seats stand unused.",
            "Train them.",
            "Look at their use together after two weeks.",
        ),
        families=("seats",),
    ),
    Play(
        name="key features",
        todo="Show again the features that keep customers, on the account's own data; ask what made people stop.",
        due_days=14,
        steps=(
            "Choose two features that keep customers and are not used.",
            "Show them on the account's own data.",
            "Ask what made people stop.",
        ),
        families=("adoption",),
    ),
    Play(
        name="settle tickets",
        todo="Get the open tickets an owner and a date, and tell the customer before they ask again.",
        owner="support",
        due_days=3,
        steps=("Give every open ticket an owner and a date.", "Tell the customer before they ask again."),
        signals=("tickets", "open_tickets", "slow_tickets", "oldest_open_ticket", "severe_tickets"),
    ),
    Play(
        name="listen",
        todo="Visit and listen: what was expected, what is missing? Come back with a plan of three visits.",
        due_days=7,
        steps=("Visit.", "Ask what was expected and what is missing.", "Send a plan of three visits."),
        families=("support",),
    ),
    Play(
        name="unpaid invoices",
        todo="Ask the sponsor whether the bill or the value is the question; settle it together with finance.",
        owner="finance",
        due_days=7,
        steps=("Ask the sponsor whether the bill or the value is the question.", "Settle it together with finance."),
        signals=("late_invoices", "overdue_invoices", "days_late"),
    ),
    Play(
        name="show the value",
        todo="Bring the decision maker a ready report of what their people achieved; talk about price after it.",
        due_days=14,
        steps=(
            "Make the report: `ebb report account ID`.",
            "Go through it with the decision maker.",
            "Talk about price after it.",
        ),
        families=("commercial",),
    ),
    Play(
        name="regular visits",
        todo="Visit every two weeks for two months: how far has use come, what is asked for?",
        due_days=14,
        steps=("Visit every two weeks for two months.", "Each time: how far has use come, what is asked for?"),
        families=("frequency", "time_spent"),
    ),
    Play(
        name="renewal work",
        todo="Begin the renewal now: a report for the leaders, the open wishes, a date for the decision.",
        due_days=14,
        steps=("Make the report for the leaders.", "Collect the open wishes.", "Agree on a date for the decision."),
        days=(0, RENEWAL_WORK_DAYS),
    ),
    Play(
        name="look closer",
        todo="Call and ask how it goes; the data name no single cause.",
        steps=("Call.", "Write down what the data do not show."),
    ),
    Play(
        name="keep in touch",
        todo="Nothing urgent: regular contact, at least once a quarter, and a word about what is new.",
        due_days=90,
        steps=("Say a word about what is new.",),
        drawn=False,
        bands=("low",),
    ),
)


def suggested(score: Score) -> Play:
    """The first play that is called for; the last two of `PLAYS` together fit every score."""
    return next(play for play in PLAYS if play.is_called_for(score))


def strongest(score: Score) -> Reason | None:
    """The driver that raises the risk most; None when nothing raises it."""
    raising = [reason for reason in score.reasons if reason.contribution > 0]
    return max(raising, key=lambda reason: reason.contribution, default=None)


def days_into_term(score: Score) -> int | None:
    """Days from the start of the term to the cutoff; None without a contract."""
    if score.starts_on is None or score.ends_on is None or score.days_to_renewal is None:
        return None
    return (score.ends_on - score.starts_on).days - score.days_to_renewal


def _within(days: int | None, bounds: tuple[int, int] | None) -> bool:
    return bounds is None or (days is not None and bounds[0] <= days <= bounds[1])
