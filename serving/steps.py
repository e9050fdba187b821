"""The steps from a folder of facts to a kept book of scores, as the commands take them."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from uuid import uuid4

from features import quality, table, traits
from features.analyses.recurring import growth_ratios, retained
from features.engines.duckdb import DuckEngine
from features.errors import DataError, SourceError
from features.facts import Facts, Finding
from features.intake import take_in
from features.signal import Signal, columns
from features.signals import CATALOGUE
from features.snapshots import Expansion, Inactivity, Mode, Renewal
from serving.book import Run, Temperature, Warmth
from serving.config import Settings
from serving.lots import Lots
from serving.on_record import artifacts
from serving.outlook import outlook
from serving.progress import Progress
from serving.rating import peers, rate, temperatures
from serving.signal_book import BOOK, SignalBook, forget_old
from serving.sources import source_of
from serving.store import ScoreStore
from serving.worklist import lacking
from training import tracking
from training.dataset import Dataset
from training.leaks import Leak, leaks
from training.target import CHURN, EXPANSION, Target, models_of
from training.train import TrainSettings
from training.train import train as learn
from training.trials import Budget


def check(facts: Facts, settings: Settings, progress: Progress, target: Target = CHURN) -> tuple[Finding, ...]:
    """Every fault found in the data; DataError with the first fatal one."""
    with progress.step("check the data"):
        # What counts renewals says nothing of whether enough accounts bought more: training counts those.
        findings = quality.report(facts, mode=settings.outcome.mode if target is CHURN else "inactivity")
    fatal = [finding for finding in findings if finding.fatal]
    progress.say(f"  {len(findings)} kinds of fault, {len(fatal)} fatal{'; `ebb check` lists them' * bool(findings)}")
    if fatal:
        more = f" (and {len(fatal) - 1} more; `ebb check` lists them)" if len(fatal) > 1 else ""
        raise DataError(f"{fatal[0].sentence}{more}")
    return findings


def mode_of(facts: Facts, settings: Settings) -> Mode:
    """Which accounts are looked at, and from when."""
    outcome = settings.outcome
    if outcome.mode == "inactivity":
        return Inactivity(active_days=outcome.active_days, horizon_days=outcome.horizon_days)
    if not facts.knows("contracts"):
        raise DataError('there are no contracts to renew; without them, set [outcome] mode = "inactivity"')
    return Renewal(lead_days=outcome.lead_days, grace_days=settings.data.grace_days)


def catalogue(facts: Facts, settings: Settings, *, until: date | None = None) -> tuple[Signal, ...]:
    """The catalogue, and the traits known before a day (by default, before the facts' cutoff)."""
    more, less = settings.traits.more, settings.traits.less
    return (*CATALOGUE, *traits.signals(traits.find(facts, until=until or facts.cutoff, more=more, less=less)))


def own_signals(settings: Settings, progress: Progress) -> tuple[Signal, ...]:
    """The signals of the data's traits, the other tables unread; none where there are no data yet."""
    if settings.data.kind != "database" and not settings.data.folder.exists():
        return ()
    with DuckEngine() as engine:
        try:
            facts = take_in(source_of(settings.data), engine, None, only=("traits",))
        except SourceError as error:
            progress.say(f"without traits: {error}")
            return ()
        return catalogue(facts, settings)[len(CATALOGUE) :]


def past(
    facts: Facts,
    settings: Settings,
    progress: Progress,
    *,
    anchor: date | None = None,
    of: tuple[Signal, ...] = CATALOGUE,
    target: Target = CHURN,
) -> Dataset:
    """Every past look at an account whose outcome is decided; ``anchor`` is a cutoff of the grid without contracts."""
    mode = mode_of(facts, settings)
    if target is EXPANSION and not isinstance(mode, Expansion):
        mode = Expansion(of=mode, horizon_days=settings.expansion.horizon_days)
    with progress.step("compute the signals of the past"):
        found = table.past(facts, mode, anchor=anchor, catalogue=of)
    progress.say(f"  {found.signals.shape[1]} signal columns of {len(found):,} decided snapshots")
    return Dataset(keys=found.keys, signals=found.signals, left=found.left)


def beware(found: Sequence[Leak], progress: Progress, *, despite_leak: bool) -> tuple[Finding, ...]:
    """Name every leak in a line; DataError at the first unless told to go on. They stay on record as findings."""
    for leak in found:
        progress.say(f"  leak, {leak.kind}: {leak.sentence}")
    if found and not despite_leak:
        more = f" (and {len(found) - 1} more above)" if len(found) > 1 else ""
        raise DataError(
            f"leak: {found[0].sentence}{more}; such a model is good on paper only: take it out of the data, or go on "
            "with --despite-leak"
        )
    return tuple(
        Finding(kind=f"leak: {leak.kind}", table="snapshots", count=1, sentence=leak.sentence) for leak in found
    )


def train(
    facts: Facts, settings: Settings, progress: Progress, *, despite_leak: bool = False, target: Target = CHURN
) -> tracking.Tracked:
    """Learn from the past, track the run, and make it the champion when it wins against the one in place.

    Raises DataError at a leak, before or after learning, unless told to go on.
    """
    findings = check(facts, settings, progress, target)
    signals = catalogue(facts, settings)
    dataset = past(facts, settings, progress, of=signals, target=target)
    with progress.step("look for leaks"):
        found = leaks(dataset)
    findings += beware(found, progress, despite_leak=despite_leak)
    with progress.step("learn"):
        trained = learn(dataset, columns(signals), settings=how(settings, target), progress=indented(progress))
    findings += beware(trained.easier, progress, despite_leak=despite_leak)
    progress.say(f"  {trained.verdict}")
    with progress.step("track the model"):
        tracked = tracking.track(
            trained,
            uri=settings.tracking_uri,
            artifacts=artifacts(settings),
            findings=findings,
            fingerprint=facts.fingerprint,
        )
    place = "the champion" if tracked.champion else "a challenger"
    progress.say(f"  version {tracked.version} of {target.model} is {place}: it {tracked.reason}")
    if not tracked.champion:
        more = "" if target is CHURN else f" --target {target.name}"
        progress.say(
            f"  version {tracked.before} stays the champion and goes on scoring; "
            f'`ebb promote {tracked.version}{more} --reason "…"` puts the new one in its place all the same'
        )
    return tracked


def score(facts: Facts, champion: tracking.Champion, settings: Settings, progress: Progress) -> Run:
    """Score every open account with the champion; keep scores and signals."""
    mode = mode_of(facts, settings)
    with progress.step("compute the signals of the book"):
        warmer = tracking.champion_if_any(settings.tracking_uri, EXPANSION)
        book = _book(facts, mode, _asked(champion, warmer))
    if not len(book):
        raise DataError(f"no account is open on {facts.cutoff}; nothing to score")
    with progress.step(f"score {len(book):,} accounts with {champion.name} version {champion.version}"):
        among = peers(champion.scorer, book)
        scores = rate(champion.scorer, book, among, settings.bands)
        warmth, warm = _warm(warmer, book)
    run = Run(
        cutoff=facts.cutoff,
        made_at=datetime.now(UTC),
        model_name=champion.name,
        model_version=champion.version,
        fingerprint=facts.fingerprint,
        signals=f"{facts.cutoff}_{uuid4().hex[:12]}",
        mode=settings.outcome.mode,
        base=among.base_rate,
        usable=champion.usable,
    )
    grace = settings.data.grace_days
    ahead = outlook(
        facts.cutoff,
        scores,
        champion.scorer.about,
        ratios=growth_ratios(facts, grace_days=grace),
        past=retained(facts, grace_days=grace),
    )
    # The signals first: a run in the store has its signals, whenever the power fails.
    book.write(settings.home / BOOK, run.signals)
    ahead.write(settings.home / BOOK, run.signals)
    with ScoreStore(settings.store_url) as store:
        number = store.append(run, scores, warmth, warm)
        drawn = Lots(store).draw(run, number, scores, settings.plays)
    forget_old(settings.home / BOOK)
    high = sum(one.band == "high" for one in scores)
    progress.say(f"  run {number}: {len(scores):,} accounts, {high:,} of them high")
    if left_out := sum(lot.arm == "holdout" for lot in drawn):
        progress.say(f"  {len(drawn):,} terms drawn for their plays, {left_out:,} of them left out by chance")
    if not run.usable:
        progress.say(f"  {champion.verdict}; ranked by value and date only")
    if (cold := lacking(warmth)) is not None:
        progress.say(f"  no temperature: {cold}")
    return run


def _asked(champion: tracking.Champion, warmer: tracking.Champion | None) -> tuple[Signal, ...]:
    """The catalogue, and the traits that either model asks for."""
    models = [champion] if warmer is None else [champion, warmer]
    found = {signal.name: signal for model in models for signal in traits.read(model.scorer.about.get("traits", ()))}
    return (*CATALOGUE, *found.values())


def _warm(warmer: tracking.Champion | None, book: SignalBook) -> tuple[Warmth | None, tuple[Temperature, ...]]:
    """What temperatures come from, and those of the book: none without a model that beats the base rate for sure."""
    if warmer is None:
        return None, ()
    about = warmer.scorer.about
    warmth = Warmth(
        model_name=warmer.name,
        model_version=warmer.version,
        horizon_days=int(about["horizon_days"]),
        usable=warmer.usable and bool(about["beyond_chance"]),
        verdict=warmer.verdict,
    )
    return warmth, temperatures(warmer.scorer, book) if warmth.usable else ()


def _book(facts: Facts, mode: Mode, of: tuple[Signal, ...]) -> SignalBook:
    now, before = table.book(facts, mode, cutoff=facts.cutoff, catalogue=of)
    wanted = ["account_id", "contract_id", "name", "owner", "segment", "plan", "arr", "starts_on", "ends_on", "cutoff"]
    days = (now.keys["ends_on"] - now.keys["cutoff"]).dt.days.astype(float)
    return SignalBook(keys=now.keys[wanted].assign(days_to_renewal=days), now=now.signals, before=before)


def how(settings: Settings, target: Target = CHURN) -> TrainSettings:
    """The settings of the recipe."""
    chosen = settings.train
    budget = Budget(seconds=chosen.tune_seconds, trials=chosen.tune_trials)
    return TrainSettings(
        capacity=settings.team.weekly_capacity,
        seed=chosen.seed,
        tuning=budget if budget.seconds or budget.trials else None,
        target=target,
        models=models_of(target, settings.expansion.horizon_days),
    )


def indented(progress: Progress) -> Callable[[str], None]:
    """Says what happens within a step, below its line."""
    return lambda text: progress.say(f"  {text}")
