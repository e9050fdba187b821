"""MLflow: every training run on record, and the model registered so that anything can load it. Its only user here."""

import inspect
import logging
import os
import subprocess
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pandas as pd

from features.errors import ModelError
from features.facts import Finding
from training import score, trees
from training.card import card
from training.charts import draw, importance
from training.score import SEGMENT, Scored, Scorer
from training.train import Trained

EXPERIMENT: Final = "ebb"
MODEL: Final = "ebb-risk"
CHAMPION: Final = "champion"
LARGEST_ECE: Final = 0.10
"""Expected calibration error above which a model does not pass the gate: such risks mislead whoever reads them."""

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
    """A recorded run: its id, the registered version, and whether that became the champion."""

    run_id: str
    version: str
    champion: bool
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
    """Record a run with everything known of it, register its model, and make it the champion when the gate passes.

    ``artifacts`` is the folder for files of a local store (None: the server's own place), ``fingerprint`` that of the
    facts.
    """
    with _mlflow(uri) as mlflow, tempfile.TemporaryDirectory() as scratch:
        _experiment(mlflow, artifacts)
        with mlflow.start_run() as run:
            mlflow.log_params(_parameters(trained, fingerprint))
            mlflow.log_metrics(_metrics(trained))
            _log_files(mlflow, trained, findings, Path(scratch))
            version = _register(mlflow, trained, Path(scratch))
        client = mlflow.MlflowClient()
        passes, reason = _gate(trained)
        champion = passes or _version(client) is None
        client.set_model_version_tag(MODEL, version, "verdict", trained.verdict)
        client.set_model_version_tag(MODEL, version, "gate", reason)
        if champion:
            client.set_registered_model_alias(MODEL, CHAMPION, version)
        return Tracked(run_id=run.info.run_id, version=version, champion=champion, reason=reason)


def champion(uri: str) -> Champion:
    """The champion of a tracking store. Raises ModelError when there is none, or it cannot be read."""
    with _mlflow(uri) as mlflow:
        version = champion_version(uri)
        with tempfile.TemporaryDirectory() as scratch:
            try:
                folder = mlflow.artifacts.download_artifacts(f"models:/{MODEL}/{version}", dst_path=scratch)
                scorer = Scorer.load(Path(folder) / "artifacts" / "scorer")
            except Exception as error:
                raise ModelError(f"version {version} of {MODEL} cannot be read: {error}") from error
    return Champion(name=MODEL, version=version, scorer=scorer)


def champion_version(uri: str) -> str:
    """The version of the champion. Raises ModelError when there is none."""
    with _mlflow(uri) as mlflow:
        version = _version(mlflow.MlflowClient())
    if version is None:
        raise ModelError("there is no model yet; train one with `ebb train`")
    return version


def _version(client: Any) -> str | None:
    from mlflow.exceptions import MlflowException

    try:
        return str(client.get_model_version_by_alias(MODEL, CHAMPION).version)
    except MlflowException as error:
        if error.error_code in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:
            return None
        raise ModelError(f"the model registry does not answer: {error}") from error


@contextmanager
def _mlflow(uri: str) -> Iterator[ModuleType]:
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


def _experiment(mlflow: ModuleType, artifacts: Path | None) -> None:
    if mlflow.get_experiment_by_name(EXPERIMENT) is None:
        location = artifacts.absolute().as_uri() if artifacts is not None else None
        mlflow.create_experiment(EXPERIMENT, artifact_location=location)
    mlflow.set_experiment(EXPERIMENT)


def _gate(trained: Trained) -> tuple[bool, str]:
    """Whether the model may become the champion, and why."""
    ece = trained.metrics["ece"].value
    if not trained.selection.beyond_chance:
        return False, "does not beat the base rate on later snapshots beyond chance"
    if ece is None or ece > LARGEST_ECE:
        return False, f"is not calibrated: expected calibration error {ece} on later snapshots, at most {LARGEST_ECE}"
    return True, "beats the base rate on later snapshots beyond chance, and is calibrated"


def _parameters(trained: Trained, fingerprint: str) -> dict[str, Any]:
    chosen, settings = trained.selection.chosen, trained.settings
    return {
        "model": chosen.name,
        "strength": chosen.strength,
        "calibration_slope": trained.calibration.slope,
        "calibration_intercept": trained.calibration.intercept,
        "signals": len(trained.columns),
        "snapshots": len(trained.learnt),
        "outcomes": round(float(trained.learnt.weights.sum()), 1),
        "accounts": trained.learnt.keys["account_id"].nunique(),
        "folds": settings.folds,
        "capacity": settings.capacity,
        "seed": settings.seed,
        "before": "" if settings.before is None else f"{settings.before:%Y-%m-%d}",
        "data_fingerprint": fingerprint,
        "snapshots_fingerprint": trained.scorer.about["fingerprint"],
        "code_version": code_version(),
    }


def _metrics(trained: Trained) -> dict[str, float]:
    found = {}
    for name, metric in trained.metrics.items():
        for part, value in (("", metric.value), ("_low", metric.low), ("_high", metric.high)):
            if value is not None:
                found[name + part] = value
    selection = trained.selection
    losses = {f"log_loss_{each.name.replace(' ', '_')}": each.log_loss for each in selection.candidates}
    return {**found, **losses, "gain": selection.gain, "gain_error": selection.gain_error}


def code_version() -> str:
    """The commit the code stands at, else the installed version."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)  # noqa: S603 - fixed words
        return found.stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return metadata.version("ebb")


def _log_files(mlflow: ModuleType, trained: Trained, findings: Sequence[Finding], scratch: Path) -> None:
    mlflow.log_text(card(trained, findings), "card.md")
    mlflow.log_dict({"signals": [_described(column) for column in trained.columns]}, "signals.json")
    mlflow.log_dict({"findings": [asdict(finding) for finding in findings]}, "findings.json")
    mlflow.log_text(trained.folds.to_csv(index=False), "folds.csv")
    mlflow.log_text(importance(trained).to_csv(index=False), "importance.csv")
    draw(trained, scratch / "charts")
    mlflow.log_artifacts(str(scratch / "charts"), "charts")


def _described(column: Any) -> Mapping[str, Any]:
    signal = column.signal
    return {
        "name": column.name,
        "signal": signal.name,
        "family": signal.family,
        "window": column.window,
        "meaning": signal.meaning,
        "unit": signal.unit,
        "healthier": signal.healthier,
        "reading": signal.reading,
    }


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
    if not client.search_registered_models(filter_string=f"name = '{MODEL}'"):
        client.create_registered_model(MODEL)
    source = f"models:/{logged.model_id}"
    return str(client.create_model_version(MODEL, source, run_id=logged.run_id, model_id=logged.model_id).version)
