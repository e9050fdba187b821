"""The page of threats: what it claims is tested, and a model is data, never a program."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.market_home import MarketHome
from training import tracking

ROOT = Path(__file__).parent.parent
NAMED = re.compile(r"`(test_\w+\.py)::(test_\w+)`")
EVIL = "from pathlib import Path\nPath({!r}).touch()\n"


def test_every_claim_names_a_test_that_is_there() -> None:
    """Each row of the doors names at least one test, and each test that is named exists."""
    page = (ROOT / "serving" / "THREATS.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ") and not line.startswith("| door ")]
    assert len(rows) > 10
    assert [row for row in rows if not NAMED.search(row)] == []
    for file, name in NAMED.findall(page):
        assert f"def {name}(" in (ROOT / "tests" / file).read_text(encoding="utf-8"), (file, name)


def test_a_model_is_read_and_never_run(market_home: MarketHome, tmp_path: Path) -> None:
    """A registered model whose code and pickles would write a file: the champion is read from its JSON, none is run."""
    mlflow_db, ran = tmp_path / "mlflow.db", tmp_path / "it ran"
    with closing(sqlite3.connect(market_home.folder / "mlflow.db")) as ours, closing(sqlite3.connect(mlflow_db)) as own:
        ours.backup(own)
    uri = f"sqlite:///{mlflow_db}"
    with tracking.mlflow_at(uri) as mlflow:
        client = mlflow.MlflowClient()
        folder = Path(mlflow.artifacts.download_artifacts("models:/ebb-risk/1", dst_path=str(tmp_path / "evil")))
        for path in folder.rglob("*.py"):
            path.write_text(EVIL.format(str(ran)))
        for name in ("python_model.pkl", "artifacts/scorer/model.pkl", "artifacts/scorer/__init__.py"):
            (folder / name).write_bytes(f"cpathlib\nPath\n(V{ran}\ntRctouch\n.".encode())
        made = client.create_model_version("ebb-risk", source=str(folder))
        client.set_registered_model_alias("ebb-risk", "champion", made.version)
    assert tracking.champion(uri).version == str(made.version)
    assert not ran.exists()
