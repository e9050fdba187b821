"""Settings: one ebb.toml -> frozen values.

Options beat the file, the file beats defaults, secrets come from the environment.

Each setting is declared once, with its default and its meaning; the checks, the commented ebb.toml and the table
in the documentation are derived from the declaration.
"""

# ruff: noqa: RUF009 -- setting() declares a field, as dataclasses.field does

import os
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from features.analyses.life_days import (
    CHECK_IN_DAYS,
    CRITICAL_WINDOW_DAYS,
    KEY_DAYS,
    PROGRAMME_DAYS,
    RENEWAL_WORK_DAYS,
    SHARED_DAYS,
)
from features.errors import SettingsError

FILE: Final = "ebb.toml"
"""Where settings stand unless --config or EBB_CONFIG says otherwise."""

STORE_URL: Final = "EBB_STORE_URL"
"""The environment variable of a store address that holds a password."""

KINDS: Final = (
    *("files", "database", "segment", "posthog", "amplitude", "mixpanel", "snowplow"),
    *("salesforce", "hubspot", "stripe", "simulated"),
)
"""What facts can come from; features/sources/README.md says what to bring from each."""

OPEN: Final = ("docs", "metrics", "all")
"""What the service may answer to whoever asks."""

Mode = Literal["renewal", "inactivity"]


def setting(
    default: object,
    meaning: str,
    *,
    one_of: tuple[str, ...] = (),
    least: float | None = None,
    most: float | None = None,
) -> Any:
    """One declared setting: its default, what it means, and what values it takes."""
    metadata = {"meaning": meaning, "one_of": one_of, "least": least, "most": most}
    if isinstance(default, Mapping):
        return field(default_factory=dict, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class DataSettings:
    """Where the facts come from."""

    kind: str = setting(
        "files", f"what the folder holds: {', '.join(KINDS)}; segment also reads RudderStack", one_of=KINDS
    )
    folder: Path = setting(
        Path("data"),
        "folder of the tables (Parquet, CSV or JSON Lines files named as the tables) or of a tool's export",
    )
    grace_days: int = setting(
        31, "days after a contract's end within which the next one must start to count as renewed", least=0
    )
    columns: Mapping[str, Mapping[str, str]] = setting(
        {}, 'your column names, one table each: [data.columns.events] then customer = "account_id"'
    )
    places: Mapping[str, str] = setting(
        {},
        'files: tables elsewhere: [data.places] then events = "s3://bucket/events/*.parquet" (or file, folder)',
    )
    database: Mapping[str, object] = setting(
        {},
        'database: [data.database] then url_env = "FACTS_URL" (a variable: the SQLAlchemy address), schema = "…"; '
        '[data.database.queries] then events = "select …"',
    )
    also: Mapping[str, Mapping[str, object]] = setting(
        {},
        'further sources, later ones win: [data.also.billing] then kind = "stripe", folder = "exports/stripe", '
        'tables = ["contracts"] (empty: all), ids = "ids.csv" (columns theirs, account_id)',
    )


@dataclass(frozen=True, kw_only=True)
class EngineSettings:
    """Where the signals are computed."""

    kind: str = setting(
        "duckdb", "duckdb: on this machine; spark: on a cluster, for events it cannot hold", one_of=("duckdb", "spark")
    )
    master: str = setting("local[*]", "spark: its master: local[*], yarn, spark://host:7077, k8s://…")
    rejected: str = setting(
        "", "spark: address of the folder for events that cannot be used (empty: rejected/ under home)"
    )
    options: Mapping[str, str] = setting(
        {}, 'spark: its own settings: [engine.options] then "spark.executor.memory" = "16g"; no secrets here'
    )


@dataclass(frozen=True, kw_only=True)
class OutcomeSettings:
    """What counts as leaving."""

    mode: Mode = setting(
        "renewal",
        "renewal: a contract that is not renewed; inactivity: an account that falls silent",
        one_of=("renewal", "inactivity"),
    )
    lead_days: tuple[int, ...] = setting(
        (), "days before the renewal from which contracts are looked at (empty: fitting the term's length)", least=1
    )
    active_days: int = setting(90, "inactivity: an account counts as active with an event in so many days", least=1)
    horizon_days: int = setting(90, "inactivity: it has left when so many days follow without an event", least=1)


@dataclass(frozen=True, kw_only=True)
class ExpansionSettings:
    """What counts as buying more, which gives an account its temperature."""

    horizon_days: int = setting(90, "an account expands if it buys more within so many days", least=1)


@dataclass(frozen=True, kw_only=True)
class TrainSettings:
    """How the model is learnt."""

    seed: int = setting(
        1, "the seed of all randomness; same data, settings and seed give the same predictions", least=0
    )
    threads: int = setting(2, "processor threads used for learning", least=1)
    tune_seconds: int = setting(
        0, "seconds in which other values of the models are tried (0: no bound, or no tuning at all)", least=0
    )
    tune_trials: int = setting(
        0, "how many are tried, at most; the same number and seed give the same model (0: no bound)", least=0
    )


@dataclass(frozen=True, kw_only=True)
class TraitSettings:
    """What is known of the columns of the table `traits`."""

    more: tuple[str, ...] = setting((), 'traits of which more goes with staying: more = ["satisfaction"]')
    less: tuple[str, ...] = setting((), "traits of which less goes with staying; of all others neither")


@dataclass(frozen=True, kw_only=True)
class TeamSettings:
    """The people who act on the scores."""

    weekly_capacity: int = setting(20, "accounts the team can take on in a week", least=1)


@dataclass(frozen=True, kw_only=True)
class PlaySettings:
    """How it is found out whether plays work: some accounts are left out of each by chance."""

    holdout: float = setting(0.1, "share of terms left out of each play by chance (0: none)", least=0, most=0.5)
    spared: float = setting(
        0.5, "accounts that pay the first such share of the ARR are never left out, nor compared", least=0, most=1
    )


@dataclass(frozen=True, kw_only=True)
class BandSettings:
    """When a risk is called high or medium: by its odds, p / (1 - p), against those of the book's mean risk.

    Odds, because twice a mean of one half would be certainty; the mean, because monthly and yearly books differ.
    """

    high: float = setting(2.0, "high: odds of leaving at least so many times those of the book's mean risk", least=1)
    medium: float = setting(
        1.0, "medium: odds of leaving at least so many times those of the mean, and not high", least=0
    )


@dataclass(frozen=True, kw_only=True)
class HealthSettings:
    """Weights of health set by hand; they are learnt from renewals where all three are 0."""

    frequency: float = setting(0.0, "weight of how often people come", least=0)
    time: float = setting(0.0, "weight of how long they stay", least=0)
    adoption: float = setting(0.0, "weight of how much of it they use, and how many of them", least=0)


@dataclass(frozen=True, kw_only=True)
class LifeSettings:
    """The days by which accounts are met, from their first to their renewal."""

    activation_days: int = setting(CRITICAL_WINDOW_DAYS, "days in which people must come to use the product", least=1)
    steps: tuple[str, ...] = setting((), "events that activate an account (empty: what most who stayed did early)")
    check_ins: tuple[int, ...] = setting(CHECK_IN_DAYS, "days after the start on which it is visited", least=1)
    renewal_days: int = setting(RENEWAL_WORK_DAYS, "days before the end on which renewal work begins", least=8)
    key_days: int = setting(
        KEY_DAYS, "key accounts (tier people) are met every so many days; half where dormant", least=0
    )
    shared_days: int = setting(SHARED_DAYS, "those of the tier shared (0: no regular contact)", least=0)
    programme_days: int = setting(PROGRAMME_DAYS, "those of the tier programmes", least=0)


@dataclass(frozen=True, kw_only=True)
class StoreSettings:
    """Where scores are kept."""

    url: str = setting(
        "", f"SQLAlchemy address of the score store (empty: ebb.db under home); with a password, in {STORE_URL}"
    )


@dataclass(frozen=True, kw_only=True)
class MlflowSettings:
    """Where models are tracked."""

    tracking_uri: str = setting("", "MLflow tracking address (empty: mlflow.db under home)")


@dataclass(frozen=True, kw_only=True)
class ServeSettings:
    """Where the scoring service listens."""

    host: str = setting("127.0.0.1", "address the service listens on")
    port: int = setting(3000, "port the service listens on", least=1, most=65535)
    open: tuple[str, ...] = setting(
        (), "what answers without a key: docs, metrics; all: everything, on this machine only", one_of=OPEN
    )
    log: str = setting("text", "one line for each request: text for people, json for programs", one_of=("text", "json"))
    traces: str = setting(
        "", "OpenTelemetry collector that takes traces by OTLP over HTTP: http://host:4318/v1/traces (empty: none)"
    )


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings, checked. Relative folders of the file are taken from the folder of the file."""

    home: Path = setting(Path(".ebb"), "folder of all state: models, scores, rejected rows")
    destinations: Mapping[str, Mapping[str, object]] = setting(
        {}, 'where scores go, see serving/destinations: [destinations.crm] then kind = "salesforce", …; `ebb push crm`'
    )
    data: DataSettings = field(default_factory=DataSettings)
    engine: EngineSettings = field(default_factory=EngineSettings)
    outcome: OutcomeSettings = field(default_factory=OutcomeSettings)
    expansion: ExpansionSettings = field(default_factory=ExpansionSettings)
    train: TrainSettings = field(default_factory=TrainSettings)
    traits: TraitSettings = field(default_factory=TraitSettings)
    team: TeamSettings = field(default_factory=TeamSettings)
    plays: PlaySettings = field(default_factory=PlaySettings)
    bands: BandSettings = field(default_factory=BandSettings)
    health: HealthSettings = field(default_factory=HealthSettings)
    life: LifeSettings = field(default_factory=LifeSettings)
    store: StoreSettings = field(default_factory=StoreSettings)
    mlflow: MlflowSettings = field(default_factory=MlflowSettings)
    serve: ServeSettings = field(default_factory=ServeSettings)

    @property
    def store_url(self) -> str:
        """The address of the score store: the environment's, the file's, or SQLite under home."""
        url = os.environ.get(STORE_URL) or self.store.url
        return url or f"sqlite:///{(self.home / 'ebb.db').absolute()}"

    @property
    def tracking_uri(self) -> str:
        """The address of the MLflow store: the file's, or SQLite under home."""
        return self.mlflow.tracking_uri or f"sqlite:///{(self.home / 'mlflow.db').absolute()}"


@dataclass(frozen=True, kw_only=True)
class Declared:
    """One setting as declared: its section ("" at the top), name, default and meaning."""

    section: str
    name: str
    default: object
    meaning: str
    one_of: tuple[str, ...]
    least: float | None
    most: float | None
    kind: object

    @property
    def key(self) -> str:
        """Its name with its section: ``serve.port``."""
        return f"{self.section}.{self.name}" if self.section else self.name


def sections() -> dict[str, tuple[str, tuple[Declared, ...]]]:
    """Section -> (its meaning, its settings); the settings at the top stand under ""."""
    found: dict[str, tuple[str, tuple[Declared, ...]]] = {
        "": ("", tuple(_declared("", item) for item in fields(Settings) if "meaning" in item.metadata))
    }
    for item in fields(Settings):
        if "meaning" not in item.metadata:
            kind: Any = item.type
            found[item.name] = (
                (kind.__doc__ or "").strip().splitlines()[0],
                tuple(_declared(item.name, f) for f in fields(kind)),
            )
    return found


def _declared(section: str, item: "Field[Any]") -> Declared:
    default = item.default if item.default is not MISSING else {}
    return Declared(section=section, name=item.name, default=default, kind=item.type, **item.metadata)


def check_secret(key: str, url: str) -> str:
    """The address, unless it holds a password; SettingsError then, without repeating it."""
    if urlsplit(url).password:
        raise SettingsError(f"{key} holds a password; take it out of the file and set it in {STORE_URL}")
    return url
