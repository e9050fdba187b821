"""Write the generated parts of the documentation, or say which of them are stale.

A generated part stands between `<!-- generated: NAME -->` and `<!-- end: NAME -->`, each on its own line. `make docs`
writes all of them anew; `--check` (in `make check`) fails and names the stale ones. A new part is one function and one
line in PARTS; a file that is generated as a whole stands in FILES.
"""

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from features.domain import TABLES, Column
from features.signals import CATALOGUE, FAMILIES
from serving import document, reference
from serving.api import routes
from serving.questions import QUESTIONS

ROOT = Path(__file__).parent.parent
PAGES = (
    "README.md",
    "CONTRIBUTING.md",
    "features/README.md",
    "features/analyses/README.md",
    "serving/destinations/README.md",
)
PART = re.compile(
    r"^(<!-- generated: (?P<name>\w+) -->\n)(?P<text>.*?)^(<!-- end: (?P=name) -->)$", re.DOTALL | re.MULTILINE
)
MARKER = re.compile(r"^<!-- (?:generated|end): (\w+) -->$", re.MULTILINE)


def tables() -> str:
    """The tables Ebb reads, as a Markdown table."""
    lines = ["| table | what a row is | columns (bold: required) |", "|---|---|---|"]
    for table in TABLES:
        columns = ", ".join(_column(column) for column in table.columns)
        required = " (required)" if table.required else ""
        lines.append(f"| {table.name}{required} | {table.meaning} | {columns}{', any others' * table.open_columns} |")
    return "\n".join(lines) + "\n"


def _column(column: Column) -> str:
    name = f"**{column.name}**" if column.required else column.name
    values = f" ({' / '.join(column.one_of)})" if column.one_of else ""
    return name + values


def signals() -> str:
    """The catalogue of signals, a Markdown table per family."""
    lines: list[str] = []
    for family, tells in FAMILIES.items():
        if family not in {signal.family for signal in CATALOGUE}:
            continue
        lines += [f"### {family.replace('_', ' ').capitalize()}: {tells}", ""]
        lines += ["| signal | windows (days) | what it is | unit | healthier |", "|---|---|---|---|---|"]
        lines += [
            f"| {signal.name} | {', '.join(map(str, signal.windows)) or '–'} | {signal.meaning} | {signal.unit} "
            f"| {signal.healthier} |"
            for signal in CATALOGUE
            if signal.family == family
        ]
        lines.append("")
    return "\n".join(lines)


def questions() -> str:
    """The questions about the whole book, as a Markdown table."""
    lines = ["| command | what it asks |", "|---|---|"]
    lines += [f"| `ebb {one.name}` | {one.asks} |" for one in QUESTIONS]
    return "\n".join(lines) + "\n"


PARTS: tuple[tuple[str, Callable[[], str]], ...] = (
    ("tables", tables),
    ("questions", questions),
    ("signals", signals),
    ("cli", reference.cli),
    ("settings", reference.settings),
    ("destinations", reference.destinations),
)


def openapi() -> str:
    """The OpenAPI document of the service."""
    return json.dumps(document.openapi(routes()), indent=1, ensure_ascii=False) + "\n"


FILES: tuple[tuple[str, Callable[[], str]], ...] = (("tests/golden/openapi.json", openapi),)


def renewed(page: str, parts: Mapping[str, Callable[[], str]]) -> str:
    """The page with every part that it asks for written anew; KeyError for a part that nobody generates."""

    def written(found: re.Match[str]) -> str:
        if found["name"] not in parts:
            raise KeyError(f"nothing generates {found['name']}; there are {', '.join(parts)}")
        return f"{found[1]}{parts[found['name']]()}{found[4]}"

    return PART.sub(written, page)


def stale(page: str, parts: Mapping[str, Callable[[], str]]) -> Iterator[str]:
    """Names of the parts of a page that differ from what would be written now."""
    new = {found["name"]: found["text"] for found in PART.finditer(renewed(page, parts))}
    return (found["name"] for found in PART.finditer(page) if found["text"] != new[found["name"]])


def unshown(pages: Mapping[str, str], parts: Mapping[str, Callable[[], str]]) -> list[str]:
    """Names of the parts that no page shows, and of markers that are not closed or not paired."""
    shown = {found["name"] for page in pages.values() for found in PART.finditer(page)}
    marked = {name for page in pages.values() for name in MARKER.findall(page)}
    return sorted((set(parts) | marked) - shown)


def main(arguments: list[str]) -> int:
    """Write the pages, or with `--check` only compare; 0 when all is current."""
    parts = dict(PARTS)
    pages = {name: (ROOT / name).read_text(encoding="utf-8") for name in PAGES if (ROOT / name).exists()}
    faults = [f"{name}: no page holds the part, or its markers are not a pair" for name in unshown(pages, parts)]
    for name, page in pages.items():
        if "--check" in arguments:
            faults += [f"{name}: {part} is stale; run make docs" for part in stale(page, parts)]
        else:
            (ROOT / name).write_text(renewed(page, parts), encoding="utf-8")
    for name, written in FILES:
        if "--check" not in arguments:
            (ROOT / name).write_text(written(), encoding="utf-8")
        elif not (ROOT / name).is_file() or (ROOT / name).read_text(encoding="utf-8") != written():
            faults.append(f"{name} is stale; run make docs")
    print("\n".join(faults) or f"docs: {len(parts)} generated parts are current")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
