"""The questions about the whole book that Ebb answers, each a command and a line of the API; a new one is one entry."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from features.analyses.answer import Answer
from features.errors import DataError, SettingsError
from features.facts import Facts
from serving.answered import keep
from serving.config import Settings
from serving.progress import Progress


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question: its name, which is that of its command, what it asks, and who answers it with usual options."""

    name: str
    asks: str
    answer: Callable[[Facts, Settings], Answer]


def _tiers(facts: Facts, settings: Settings) -> Answer:
    from features.analyses.tiers import tiers

    return tiers(facts, grace_days=settings.data.grace_days)


def health_of(facts: Facts, settings: Settings, **asked: int) -> Answer:
    """Health with the weights of the settings; ``asked`` as in `HealthAsked`."""
    from serving.steps import mode_of
    from training.health_answer import HealthAsked, health

    options = HealthAsked(**asked, **vars(settings.health))
    return health(facts, mode_of(facts, settings), options)


def alarms_of(facts: Facts, settings: Settings, **asked: float) -> Answer:
    """Alarms that nobody acknowledged; ``asked`` as in `AlarmsAsked`."""
    from features.analyses.alarms import AlarmsAsked, alarms
    from serving.acknowledged import acknowledged

    options = AlarmsAsked(**{"a_week": settings.team.weekly_capacity, **asked})  # type: ignore[arg-type]
    return alarms(facts, options, acknowledged=acknowledged(settings), grace_days=settings.data.grace_days)


def quadrants_of(facts: Facts, settings: Settings, **asked: Any) -> Answer:
    """Quadrants by the temperatures of the latest scores, or by declared signs; ``asked`` as in `QuadrantsAsked`."""
    from serving.steps import mode_of
    from serving.warming import warm_of
    from training.health_answer import HealthAsked
    from training.quadrants import BEFORE_DAYS, QuadrantsAsked, quadrants

    options = QuadrantsAsked(**asked)
    warm = warm_of(settings, options.since or facts.cutoff - timedelta(days=BEFORE_DAYS))
    weights = HealthAsked(**vars(settings.health)).by_hand
    return quadrants(facts, mode_of(facts, settings), options, warm=warm, by_hand=weights)


def _retention(facts: Facts, settings: Settings) -> Answer:
    from training.analyses.retention import retention

    return retention(facts, grace_days=settings.data.grace_days)


def _plays(facts: Facts, settings: Settings) -> Answer:
    from serving.lots import Lots
    from serving.plays import PLAYS
    from serving.store import ScoreStore
    from training.analyses.proof import proof

    with ScoreStore(settings.store_url) as store:
        drawn = Lots(store).compared()
    names = [play.name for play in PLAYS if play.drawn]
    return proof(facts, drawn, names, grace_days=settings.data.grace_days)


def _features(facts: Facts, settings: Settings) -> Answer:
    from training.analyses.sticky import sticky

    return sticky(facts, grace_days=settings.data.grace_days)


def _aha(facts: Facts, settings: Settings) -> Answer:
    from training.analyses.aha import aha

    return aha(facts, grace_days=settings.data.grace_days)


def _economics(facts: Facts, settings: Settings) -> Answer:
    from training.analyses.economics import economics

    return economics(facts, grace_days=settings.data.grace_days)


def _promoters(facts: Facts, settings: Settings) -> Answer:
    from features.analyses.promoters import promoters

    return promoters(facts, grace_days=settings.data.grace_days)


def _portfolios(facts: Facts, settings: Settings) -> Answer:
    from features.analyses.portfolios import portfolios

    return portfolios(facts, grace_days=settings.data.grace_days)


def _sharing(facts: Facts, settings: Settings) -> Answer:
    from training.analyses.sharing import sharing

    return sharing(facts, grace_days=settings.data.grace_days)


def calendar_of(facts: Facts, settings: Settings, **asked: Any) -> Answer:
    """The calendar by the days of the settings; ``asked`` as in `CalendarAsked`."""
    from features.analyses.calendar import CalendarAsked, calendar

    return calendar(facts, CalendarAsked(**vars(settings.life), **asked), grace_days=settings.data.grace_days)


QUESTIONS: Final[tuple[Question, ...]] = (
    Question(name="tiers", asks="Who pays how much, and who should look after them?", answer=_tiers),
    Question(name="health", asks="How healthy is each account, and does that tell who leaves?", answer=health_of),
    Question(name="portfolios", asks="Who looks after how much, and what should move?", answer=_portfolios),
    Question(name="sharing", asks="Who shares logins, and who costs more than they pay?", answer=_sharing),
    Question(name="retention", asks="Who comes back, and how long do accounts stay?", answer=_retention),
    Question(name="plays", asks="Which plays keep customers, and whom does a play seem to harm?", answer=_plays),
    Question(name="features", asks="Which features keep customers, and who uses what?", answer=_features),
    Question(name="aha", asks="Which early use goes with staying?", answer=_aha),
    Question(name="economics", asks="What is an account worth, and when has it paid for itself?", answer=_economics),
    Question(name="promoters", asks="Whom to ask for a referral or a case study?", answer=_promoters),
    Question(name="alarms", asks="Who uses it far less than usual while all others hold?", answer=alarms_of),
    Question(
        name="quadrants", asks="Who is healthy, who will buy, and what is to be done with each?", answer=quadrants_of
    ),
    Question(name="calendar", asks="What is due for which account, and what was missed?", answer=calendar_of),
)


def question(name: str) -> Question:
    """The question of a name. Raises SettingsError when there is none."""
    for one in QUESTIONS:
        if one.name == name:
            return one
    raise SettingsError(f"no analysis {name!r}; there are {', '.join(one.name for one in QUESTIONS)}")


def answer_all(wanted: Sequence[Question], facts: Facts, settings: Settings, progress: Progress) -> None:
    """Answer and keep each; one that the facts cannot answer says why, and the answer before it stays."""
    for one in wanted:
        try:
            with progress.step(one.name):
                found = one.answer(facts, settings)
        except DataError as error:
            progress.say(f"  {error}")
            continue
        keep(found, settings.home)
        progress.say(f"  {found.says[0]}")
