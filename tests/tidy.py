"""Say what no tracked file may hold: registry addresses in locks, machine paths, minified scripts, monster files."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = ("features", "training", "serving")
MOST_LINES = 320
"""A file of the three packages stays readable in one sitting."""

LONGEST_SCRIPT_LINE = 400
"""A script or style sheet written by a person has no longer line."""

LOCK_LINE = re.compile(
    r"""(
      [\w.\-]+ (\[[\w,.\-]+\])? ==[\w.!+]+ (\ ;\ [\w\s.'"<>=!()]+)? \s*\\?  # name==version ; marker
    | \ {4}--hash=sha256:[0-9a-f]{64} (\ \\)?
    | \ {4}\#\ via(\ [\w.\-]+(\ \([\w.\-]+\))?)?  # who asks for it
    | \ {4}\#\ {3}(-c\ )?[\w.\-]+(\ \([\w.\-]+\))?
    )""",
    re.VERBOSE,
)
MACHINE_PATH = re.compile(r"(?<![\w./}>)\]*-])/(?:home|root|work|tmp|Users)/\w")
REGISTRY = re.compile(r"--(?:extra-)?index-url|--find-links|--trusted-host")


def lock_faults(name: str, text: str) -> Iterator[str]:
    """Lines of a lock file that are anything but a version, a hash or who asks for it."""
    if name.endswith(".lock"):
        for number, line in enumerate(text.splitlines(), 1):
            if not LOCK_LINE.fullmatch(line):
                yield f"{name} row {number}: a lock holds versions and hashes only, not: {line}"


def path_faults(name: str, text: str) -> Iterator[str]:
    """Lines that name a folder of somebody's machine."""
    for number, line in enumerate(text.splitlines(), 1):
        if MACHINE_PATH.search(line):
            yield f"{name} row {number}: a path of one machine: {line.strip()}"


def registry_faults(name: str, text: str) -> Iterator[str]:
    """Settings of a package registry, which belong to the machine and not to the project."""
    for number, line in enumerate(text.splitlines(), 1):
        if REGISTRY.search(line) and name not in {"tests/tidy.py", "tests/test_packaging.py"}:
            yield f"{name} row {number}: where packages come from is the machine's own setting: {line.strip()}"


def script_faults(name: str, text: str) -> Iterator[str]:
    """Scripts and style sheets that no person wrote or can read."""
    if name.endswith((".js", ".mjs", ".css", ".html")):
        longest = max(map(len, text.splitlines()), default=0)
        if ".min." in name or longest > LONGEST_SCRIPT_LINE:
            yield f"{name}: minified; keep the source, its longest line has {longest} characters"


def length_faults(name: str, text: str) -> Iterator[str]:
    """Files of the three packages that grew beyond a sitting."""
    lines = len(text.splitlines())
    if name.split("/")[0] in PACKAGES and lines > MOST_LINES:
        yield f"{name}: {lines} lines; split it, {MOST_LINES} is the most"


RULES: tuple[Callable[[str, str], Iterator[str]], ...] = (
    lock_faults,
    path_faults,
    registry_faults,
    script_faults,
    length_faults,
)


def faults(name: str, text: str) -> list[str]:
    """What is wrong with one file, by every rule."""
    return [fault for rule in RULES for fault in rule(name, text)]


def tracked() -> list[str]:
    """Names of the files under version control that are there."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    return [name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def main() -> int:
    """Print every fault of every tracked text file; 0 when there is none."""
    names, found = tracked(), []
    for name in names:
        try:
            found += faults(name, (ROOT / name).read_text(encoding="utf-8"))
        except UnicodeDecodeError:
            continue  # an image or a Parquet file
    print("\n".join(found) or f"tidy: {len(names)} tracked files")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
