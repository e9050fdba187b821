"""The Bento: the three packages, the locked requirements and a Containerfile in one folder, to be served anywhere.

Nothing else comes along: no data, no model, no settings, no secret, no test. What is served is read from the home.
"""

import contextlib
import hashlib
import os
import shutil
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from features.errors import SettingsError

ROOT: Final = Path(__file__).parent.parent
PACKAGES: Final = ("features", "training", "serving")
CODE: Final = frozenset({".py", ".html", ".css", ".js", ".svg", ".md", ".mako"})
"""What of the packages is code and its pages; a database or a settings file that lies there stays out."""

LOCK: Final = "requirements.lock"
CONTAINERFILE: Final = "serving/deploy/Containerfile"
REQUIREMENTS: Final = "env/python/requirements.txt"
MARK: Final = "bento.yaml"
"""What tells a Bento from another folder."""


def build(out: Path, root: Path = ROOT) -> str:
    """Make the folder ``out`` a Bento and give its version, which follows from the content. Raises SettingsError."""
    out = out.absolute()
    for needed in (LOCK, CONTAINERFILE, "pyproject.toml"):
        if not (root / needed).is_file():
            raise SettingsError(f"a Bento is built from Ebb's own folder, and {root} has no {needed}")
    if out.exists() and not (out / MARK).is_file() and (not out.is_dir() or any(out.iterdir())):
        raise SettingsError(f"{out} is there already and is no Bento; name another folder with --out")
    release = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    digest = _digest(root)
    with tempfile.TemporaryDirectory(prefix="ebb-bento-") as made:
        staged = Path(made) / "code"
        _stage(root, staged, f"{release}+{digest}")
        os.environ["BENTOML_HOME"] = str(Path(made) / "bentoml")
        from serving.service import bundle

        with contextlib.chdir(staged):  # the framework reads nothing from above where it is called
            built = bundle(staged, f"{release}-{digest}", LOCK, "Containerfile")
        # The framework adds itself once more, without a hash, which an installation by hashes refuses.
        shutil.copyfile(root / LOCK, built / REQUIREMENTS)
        (built / "src" / LOCK).unlink()
        (built / "src" / "Containerfile").rename(built / "Containerfile")
        if out.exists():
            shutil.rmtree(out)
        shutil.copytree(built, out)
    return f"{release}-{digest}"


def code(root: Path) -> Iterator[Path]:
    """The files of the packages, as paths below ``root``, in order."""
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*")):
            if path.is_file() and not path.is_symlink() and (path.suffix in CODE or path.name == "py.typed"):
                yield path.relative_to(root)


def _digest(root: Path) -> str:
    """Twelve digits that follow from all that goes into the Bento."""
    found = hashlib.sha256()
    for name in (*code(root), Path(LOCK), Path(CONTAINERFILE)):
        content = (root / name).read_bytes()
        found.update(f"{name.as_posix()} {len(content)}\n".encode() + content)
    return found.hexdigest()[:12]


def _stage(root: Path, staged: Path, version: str) -> None:
    """Copy what goes into the Bento, with the version by which it knows itself as an installed package does."""
    for name in code(root):
        (staged / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / name, staged / name)
    shutil.copyfile(root / LOCK, staged / LOCK)
    shutil.copyfile(root / CONTAINERFILE, staged / "Containerfile")
    metadata = staged / "ebb.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text(f"Metadata-Version: 2.4\nName: ebb\nVersion: {version}\n", encoding="utf-8")
