"""Reports for leaders: one page each, as HTML that needs nothing from elsewhere and prints well, or as PDF."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from features.analyses.answer import Answer, Field, Sheet
from features.errors import SettingsError
from serving.output import printable
from serving.telling import SHOWN
from serving.whole_file import whole

TEMPLATE: Final = "report.html"
ENDINGS: Final = (".html", ".pdf")
RIGHT: Final = ("whole", "number", "share", "money")
SHORT: Final = ("owner", "month")
"""Texts that are never broken over lines."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part of a report: sentences, a picture (a data address), a list, and a table of texts."""

    title: str
    says: Sequence[str] = ()
    picture: str | None = None
    listed: Sequence[str] = ()
    fields: Sequence[dict[str, Any]] = ()
    rows: Sequence[Sequence[str]] = ()
    left: int = 0


@dataclass(frozen=True, kw_only=True)
class Report:
    """A report: what stands over its title, the title, the period, sentences that lead, parts, and a foot."""

    over: str
    title: str
    period: str
    lead: Sequence[str]
    parts: Sequence[Part] = ()
    foot: str = ""


def of_customer(found: Answer) -> Report:
    """The report for a customer's own leaders, from the answer of `features.analyses.customer`."""
    ideas = [row["idea"] for row in found.sheet("ideas").records()]
    parts = [
        Part(title="Month by month", picture=picture(found)),
        table("How you stand beside companies like yours", found.sheet("peers")),
        table("What your people used", found.sheet("features")),
        Part(title="What we suggest", listed=ideas),
        table("The months in figures", found.sheet("months")),
    ]
    return Report(
        over="Your use of the product",
        title=str(found.asked["name"]),
        period=f"The {found.asked['months']} months to {found.cutoff}",
        lead=found.says,
        parts=[part for part in parts if part.rows or part.listed or part.picture],
        foot="Peers are the active accounts of your segment; none of them is named, and fewer than five are not told.",
    )


def table(title: str, sheet: Sheet, says: Sequence[str] = ()) -> Part:
    """A sheet as a part of a report, its first rows where it has many."""
    shown = [one for one in sheet.fields if not one.apart]
    records = sheet.records()
    rows = records if sheet.most is None else records[: sheet.most]
    return Part(
        title=title,
        says=says,
        fields=[_head(one) for one in shown],
        rows=[[_cell(row[one.name], one.kind) for one in shown] for row in rows],
        left=len(records) - len(rows),
    )


def picture(found: Answer) -> str | None:
    """The chart of an answer as an image that no script can be in; None where there is none."""
    return None if found.chart is None else drawn(found.chart.to_dict())


def drawn(chart: dict[str, Any]) -> str:
    """A Vega-Lite chart as the address of an SVG image."""
    import vl_convert

    picture = vl_convert.vegalite_to_svg(json.dumps(chart))
    return f"data:image/svg+xml;base64,{base64.b64encode(picture.encode()).decode()}"


def page(report: Report) -> str:
    """The report as one HTML page; every text of the data is escaped."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: printable(value) if isinstance(value, str) else value,
    )
    return environment.get_template(TEMPLATE).render(vars(report))


def checked(path: Path) -> Path:
    """The path, if a report can be written there. Raises SettingsError."""
    if path.suffix not in ENDINGS:
        raise SettingsError(f"{path} should end in {' or '.join(ENDINGS)}")
    return path


def save(report: Report, path: Path) -> None:
    """Write the report whole. Raises SettingsError where PDF cannot be made here, TransientError or TerminalError."""
    text = page(report)
    made = _pdf(text) if path.suffix == ".pdf" else text.encode()
    with whole(path) as fresh:
        fresh.write_bytes(made)


def _pdf(text: str) -> bytes:
    try:
        from weasyprint import HTML
        from weasyprint.urls import URLFetcher
    except OSError as error:
        raise SettingsError(
            "PDF needs the system's Pango (Debian: apt install libpango-1.0-0 libpangoft2-1.0-0 "
            f"libharfbuzz-subset0); .html needs nothing: {str(error).splitlines()[0]}"
        ) from None
    # The page holds all it needs: nothing else may be asked for.
    fetcher = URLFetcher(allowed_protocols=("data",))
    made: bytes = HTML(string=text, url_fetcher=fetcher).write_pdf()
    return made


def _head(one: Field) -> dict[str, Any]:
    return {"title": one.title, "right": one.kind in RIGHT, "short": one.kind == "date" or one.name in SHORT}


def _cell(value: object, kind: str) -> str:
    return "–" if value is None else SHOWN[kind](value)  # type: ignore[index]
