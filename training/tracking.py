"""MLflow: every training run on record, and the model registered so that anything can load it. Its only user here."""

import inspect
import logging
import os
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Final

import pandas as pd

from features.errors import ModelError, first_line
from features.facts import Finding
from training import record, score, trees
from training.card import card
from training.charts import draw
from training.duel import KEY, LOG_ODDS, Holder, judge, said_at_the_time
from training.registry import CHALLENGER, CHAMPION, Change, Registered, former
from training.score import SEGMENT, Scored, Scorer
from training.target import CHURN, Target
from training.train import Trained

EXPERIMENT: Final = "ebb"
SAID: Final = "said.parquet"
"""The run's file of what the model said of its later folds, for the next challenger to be judged against."""

REQUIREMENTS: Final = ("mlflow", "lightgbm", "numpy", "pandas")
"""What the logged model needs to answer."""

SQLITE: Final = "sqlite:///"

ENTRY: Final = """

from mlflow.models import set_model
from mlflow.pyfunc import PythonModel


class Risk(PythonModel):
    def load_context(self, context):
        self.scorer = Scorer.load(Path(context.artifacts["scorer"]))

    def predict(self, context, model_input: pd.DataFrame, params=None):
        return self.scorer.score(model_input).frame()


set_model(Risk())
"""
"""Stands below the scorer's own code in the logged model: a model from code, no pickle, nothing else of Ebb."""

JOINT: Final = "from training.trees import Floats, Shares, Trees\n"
"""How the scorer finds the trees; in the logged model both are one file."""


@dataclass(frozen=True, kw_only=True)
class Tracked:
    """A recorded run: its id, the registered version, whether that became the champion, and after which (None: first).

    ``reason`` is why or why not, as words that follow "it".
    """

    run_id: str
    version: str
    champion: bool
    before: str | None
    reason: str


@dataclass(frozen=True, kw_only=True)
class Champion:
    """The registered model in use."""

    name: str
    version: str
    scorer: Scorer

    @property
    def base_rate(self) -> float:
        """The share of losses among the outcomes it learnt from."""
        return float(self.scorer.about["base_rate"])

    @property
    def usable(self) -> bool:
        """Whether it beats the base rate; if not, only value and date rank."""
        return bool(self.scorer.about["usable"])

    @property
    def verdict(self) -> str:
        """What training said of it."""
        return str(self.scorer.about["verdict"])

    def score(self, frame: pd.DataFrame) -> Scored:
        """Score rows of signals. Raises ModelError when they are not those it was trained with."""
        try:
            return self.scorer.score(frame)
        except ValueError as error:
            raise ModelError(f"{self.name} version {self.version} cannot score: {error}") from None


def track(
    trained: Trained,
    *,
    uri: str,
    artifacts: Path | None = None,
    findings: Sequence[Finding] = (),
    fingerprint: str = "",
) -> Tracked:
    """Record a run with everything known of it; its model becomes the challenger, or the champion if it wins.

    `training.duel.judge` says when. ``artifacts`` is a local store's folder of files (None: the server's own place).
    """
    with mlflow_at(uri) as mlflow, tempfile.TemporaryDirectory() as scratch:
        experiment(mlflow, artifacts)
        with mlflow.start_run() as run:
            mlflow.log_params(record.parameters(trained, fingerprint))
            mlflow.log_metrics(record.metrics(trained))
            _log_files(mlflow, trained, findings, Path(scratch))
            version = _register(mlflow, trained, Path(scratch))
        registered = Registered(client=mlflow.MlflowClient(), name=trained.settings.target.model)
        before = _version(registered)
        judgement = judge(trained, None if before is None else _holder(mlflow, registered, before))
        for tag, said in (("verdict", trained.verdict), ("gate", judgement.reason)):
            registered.client.set_model_version_tag(registered.name, version, tag, said)
        if judgement.wins:
            registered.crown(version, before=before, how="train", reason=judgement.reason)
        else:
            registered.challenge(version, judgement.reason)
        return Tracked(
            run_id=run.info.run_id, version=version, champion=judgement.wins, before=before, reason=judgement.reason
        )


def promote(uri: str, version: str | None, *, reason: str, target: Target = CHURN) -> Change:
    """Make a version (None: the challenger) the champion by a person's word. Raises ModelError when there is none."""
    with mlflow_at(uri) as mlflow:
        registered = Registered(client=mlflow.MlflowClient(), name=target.model)
        chosen, before = version or registered.aliased(CHALLENGER), _version(registered)
        known = registered.versions()
        if chosen is None:
            raise ModelError("there is no challenger to promote; `ebb train` makes one, `ebb models` lists all")
        if chosen not in known:
            raise ModelError(f"there is no version {chosen} of {target.model}; there are {', '.join(known) or 'none'}")
        if chosen == before:
            raise ModelError(f"version {chosen} is the champion already")
        return registered.crown(chosen, before=before, how="promote", reason=reason)


def rollback(uri: str, *, reason: str, target: Target = CHURN) -> Change:
    """Make the champion before the present one the champion again. Raises ModelError when there is none."""
    present = champion_version(uri, target)
    with mlflow_at(uri) as mlflow:
        registered = Registered(client=mlflow.MlflowClient(), name=target.model)
        chosen = former(registered.changes(), present)
        return registered.crown(chosen, before=present, how="rollback", reason=reason)


def versions(uri: str, target: Target = CHURN) -> list[dict[str, object]]:
    """Every registered version, the latest first: version, place, made_at, auc, ece, verdict, why."""
    with mlflow_at(uri) as mlflow:
        client = mlflow.MlflowClient()
        registered = Registered(client=client, name=target.model)
        holders = {registered.aliased(alias): alias for alias in (CHALLENGER, CHAMPION)}
        found: list[dict[str, object]] = []
        for version in sorted(registered.versions(), key=int, reverse=True):
            kept = client.get_model_version(target.model, version)
            metrics = client.get_run(kept.run_id).data.metrics
            found.append(
                {
                    "version": version,
                    "place": holders.get(version, ""),
                    "made_at": datetime.fromtimestamp(kept.creation_timestamp / 1000, UTC),
                    "auc": metrics.get("auc"),
                    "ece": metrics.get("ece"),
                    "verdict": kept.tags.get("verdict", ""),
                    "why": kept.tags.get("place", ""),
                }
            )
        return found


def _holder(mlflow: ModuleType, registered: Registered, version: str) -> Holder:
    """The champion with what it said in training; a model from before that was kept defends itself by scoring only."""
    scorer = _scorer(mlflow, registered.name, version)
    run = registered.client.get_model_version(registered.name, version).run_id
    with tempfile.TemporaryDirectory() as scratch:
        try:
            path = mlflow.artifacts.download_artifacts(run_id=run, artifact_path=SAID, dst_path=scratch)
            said = pd.read_parquet(path)
        except (mlflow.exceptions.MlflowException, OSError):
            said = pd.DataFrame(columns=[*KEY, LOG_ODDS])
    return Holder(version=version, scorer=scorer, said=said)


def champion(uri: str, target: Target = CHURN) -> Champion:
    """The champion of a tracking store. Raises ModelError when there is none, or it cannot be read."""
    with mlflow_at(uri) as mlflow:
        version = champion_version(uri, target)
        return Champion(name=target.model, version=version, scorer=_scorer(mlflow, target.model, version))


def champion_if_any(uri: str, target: Target) -> Champion | None:
    """The champion; None where none was ever trained. Raises ModelError when it cannot be read."""
    with mlflow_at(uri) as mlflow:
        trained = _version(Registered(client=mlflow.MlflowClient(), name=target.model))
    return None if trained is None else champion(uri, target)


def _scorer(mlflow: ModuleType, name: str, version: str) -> Scorer:
    with tempfile.TemporaryDirectory() as scratch:
        try:
            folder = mlflow.artifacts.download_artifacts(f"models:/{name}/{version}", dst_path=scratch)
            return Scorer.load(Path(folder) / "artifacts" / "scorer")
        except Exception as error:
            raise ModelError(f"version {version} of {name} cannot be read: {first_line(error)}") from error


def champion_version(uri: str, target: Target = CHURN) -> str:
    """The version of the champion. Raises ModelError when there is none."""
    with mlflow_at(uri) as mlflow:
        version = _version(Registered(client=mlflow.MlflowClient(), name=target.model))
    if version is None:
        raise ModelError(f"there is no model yet; train one with `{target.command}`")
    return version


def _version(registered: Registered) -> str | None:
    from mlflow.exceptions import MlflowException

    try:
        return str(registered.client.get_model_version_by_alias(registered.name, CHAMPION).version)
    except MlflowException as error:
        if error.error_code in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:
            return None
        raise ModelError(f"the model registry does not answer: {first_line(error)}") from error


@contextmanager
def mlflow_at(uri: str) -> Iterator[ModuleType]:
    """MLflow on that store, sending nothing home and saying nothing but warnings."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    with warnings.catch_warnings():
        # What MLflow and SQLAlchemy warn each other of is nothing a user can mend.
        warnings.simplefilter("ignore")
        import mlflow

        for name in ("mlflow", "alembic"):
            logging.getLogger(name).setLevel(logging.ERROR)
        if uri.startswith(SQLITE):
            Path(uri.removeprefix(SQLITE)).parent.mkdir(parents=True, exist_ok=True)
        before = mlflow.get_tracking_uri()
        mlflow.set_tracking_uri(uri)
        try:
            yield mlflow
        finally:
            mlflow.set_tracking_uri(before)


def experiment(mlflow: ModuleType, artifacts: Path | None, name: str = EXPERIMENT) -> None:
    """Go on in an experiment; a new one keeps its files in that folder, or where the server does."""
    if mlflow.get_experiment_by_name(name) is None:
        location = artifacts.absolute().as_uri() if artifacts is not None else None
        mlflow.create_experiment(name, artifact_location=location)
    mlflow.set_experiment(name)


def _log_files(mlflow: ModuleType, trained: Trained, findings: Sequence[Finding], scratch: Path) -> None:
    mlflow.log_text(card(trained, findings), "card.md")
    mlflow.log_dict({"signals": [record.described(column) for column in trained.columns]}, "signals.json")
    mlflow.log_dict({"findings": [asdict(finding) for finding in findings]}, "findings.json")
    for name, table in record.tables(trained).items():
        mlflow.log_text(table.to_csv(index=False), name)
    said_at_the_time(trained).to_parquet(scratch / SAID, index=False)
    mlflow.log_artifact(str(scratch / SAID))
    draw(trained, scratch / "charts")
    mlflow.log_artifacts(str(scratch / "charts"), "charts")


def model_code() -> str:
    """The logged model's one file: trees, scorer and entry, one below the other."""
    below, above = (inspect.getsource(module) for module in (trees, score))
    assert JOINT in above, "training/score.py imports the trees in one line"
    return below + above.replace(JOINT, "") + ENTRY


def _register(mlflow: ModuleType, trained: Trained, scratch: Path) -> str:
    """Log the model from code, from the scorer's own file, and register it; the version."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema, TensorSpec

    trained.scorer.save(scratch / "scorer")
    code = scratch / "risk.py"
    code.write_text(model_code(), encoding="utf-8")
    example = trained.tested.signals.head(2).assign(**{SEGMENT: trained.tested.segments[:2]})
    answers = trained.scorer.score(example).frame()
    # Optional, so that the scorer itself says which signal is missing; doubles take what is not known.
    inputs: list[ColSpec | TensorSpec] = [ColSpec("double", name, required=False) for name in trained.scorer.columns]
    inputs.append(ColSpec("string", SEGMENT, required=False))
    outputs: list[ColSpec | TensorSpec] = [ColSpec("double", str(name)) for name in answers.columns]
    logged = mlflow.pyfunc.log_model(
        name="model",
        python_model=str(code),
        artifacts={"scorer": str(scratch / "scorer")},
        signature=ModelSignature(inputs=Schema(inputs), outputs=Schema(outputs)),
        input_example=example,
        pip_requirements=[f"{name}=={metadata.version(name)}" for name in REQUIREMENTS],
    )
    client = mlflow.MlflowClient()
    model = trained.settings.target.model
    if not client.search_registered_models(filter_string=f"name = '{model}'"):
        client.create_registered_model(model)
    source = f"models:/{logged.model_id}"
    return str(client.create_model_version(model, source, run_id=logged.run_id, model_id=logged.model_id).version)
