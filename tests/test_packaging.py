"""The install, the locks, the generated documentation, and what tracked files may hold."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.docs import renewed, stale, unshown
from tests.tidy import faults

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
LOCKED = re.compile(r"^([\w.\-]+)(?:\[[^\]]*\])?==([^\s;]+)", re.MULTILINE)


def locked(name: str) -> dict[str, set[str]]:
    """Versions in a lock by package; one package may have several, for different Pythons."""
    versions: dict[str, set[str]] = {}
    for package, version in LOCKED.findall((ROOT / name).read_text(encoding="utf-8")):
        versions.setdefault(canonicalize_name(package), set()).add(version)
    return versions


@pytest.mark.parametrize(
    ("lock", "asked"),
    [
        ("requirements.lock", PROJECT["dependencies"] + EXTRAS["build"]),
        ("requirements-dev.lock", PROJECT["dependencies"] + EXTRAS["build"] + EXTRAS["dev"]),
    ],
)
def test_lock_answers_project(lock: str, asked: list[str]) -> None:
    """Everything the project asks for is in the lock, in a version within its bounds."""
    versions = locked(lock)
    for requirement in map(Requirement, asked):
        found = versions.get(canonicalize_name(requirement.name), set())
        assert found, f"{requirement.name} is not in {lock}: run make lock"
        assert all(requirement.specifier.contains(v) for v in found), f"{requirement} against {found}: run make lock"


def test_locks_agree() -> None:
    """Tests run against the very versions that users install."""
    development = locked("requirements-dev.lock")
    assert {name: development.get(name) for name in locked("requirements.lock")} == locked("requirements.lock")


def test_never_uploaded() -> None:
    """The generic package names cannot reach a public index."""
    assert "Private :: Do Not Upload" in PROJECT["classifiers"]


def test_reasons_given() -> None:
    """Each runtime dependency stands under a comment, of one line or more, that gives its reason."""
    lines = (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    start = lines.index("dependencies = [") + 1
    block = lines[start : lines.index("]", start)]
    named = [place for place, line in enumerate(block) if not line.lstrip().startswith("#")]
    assert all(place - 1 not in (-1, *named) for place in named)
    assert len(named) == len(PROJECT["dependencies"])


def test_help_names_targets() -> None:
    """`make help` explains every target that a person calls."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    assert phony is not None
    assert sorted(phony[1].split()) == sorted(re.findall(r"^([a-z-]+):.*## ", text, re.MULTILINE))


HOME = "/" + "home/someone/ebb"
MANY_LINES = "x = 1\n" * 321


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("requirements.lock", "--index-url https://example.org/simple\n"),
        ("requirements.lock", "ebb @ https://example.org/ebb.whl\n"),
        ("requirements.lock", "ebb>=1\n"),
        ("requirements.lock", f"    # via -r {HOME}/pyproject.toml\n"),
        ("notes.md", f"put it in {HOME}\n"),
        ("notes.md", "pip install " + "--extra-" + "index-url=https://example.org ebb\n"),
        ("serving/web/page.js", "let a;" * 100),
        ("serving/web/page.min.js", "let a;\n"),
        ("features/plan.py", MANY_LINES),
    ],
)
def test_untidy_is_named(name: str, text: str) -> None:
    """A file with an address, a machine path, a minified script or too many lines is named."""
    assert any(name in fault for fault in faults(name, text))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "requirements.lock",
            "uvloop==0.21.0 ; sys_platform != 'win32' \\\n    --hash=sha256:" + "0" * 64 + "\n    # via uvicorn\n",
        ),
        (
            "requirements.lock",
            "pyjwt[crypto]==2.10.1\n    # via\n    #   -c requirements.lock\n    #   ebb (pyproject.toml)\n",
        ),
        ("README.md", "scores stay in home/rejected/, pages under https://example.org/home/index.html\n"),
        ("features/plan.py", MANY_LINES[6:]),
        ("tests/test_long.py", MANY_LINES),
    ],
)
def test_tidy_passes(name: str, text: str) -> None:
    """What is fine is not complained of."""
    assert faults(name, text) == []


PAGE = "before\n<!-- generated: sums -->\n1\n<!-- end: sums -->\nafter\n"
SUMS = {"sums": lambda: "2\n"}


def test_stale_part_is_named() -> None:
    """A part that differs from what would be written now is named, and writing it settles it."""
    assert list(stale(PAGE, SUMS)) == ["sums"]
    assert renewed(PAGE, SUMS) == PAGE.replace("1", "2")
    assert list(stale(renewed(PAGE, SUMS), SUMS)) == []


def test_unknown_part_refused() -> None:
    """A page cannot ask for a part that nobody generates."""
    with pytest.raises(KeyError, match="nothing generates sums; there are products"):
        renewed(PAGE, {"products": str})


def test_unshown_part_is_named() -> None:
    """A generated part that no page shows, or whose markers are no pair, is named."""
    assert unshown({"README.md": PAGE}, SUMS | {"products": str}) == ["products"]
    assert unshown({"README.md": PAGE.replace("end: sums", "end: sum")}, SUMS) == ["sum", "sums"]
