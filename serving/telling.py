"""An answer told on the command line: sentences, tables and, where wanted, a chart in a file; and kept for the API."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import typer

from features.analyses import answer as answers
from features.analyses.answer import Answer, Sheet
from features.facts import Facts
from serving.answered import keep, plain
from serving.config import Settings
from serving.output import Column, Format, money, number, write
from serving.progress import Progress
from serving.whole_file import whole

PIXELS_PER_POINT: Final = 2.0

SHOWN: Final[dict[answers.Kind, Callable[[object], str]]] = {
    "text": str,
    "date": str,
    "whole": money,
    "number": number,
    "share": lambda value: f"{float(str(value)):.1%}".replace("%", " %"),
    "money": money,
    "flag": lambda value: "yes" if value else "no",
}
"""How a value of each kind is shown to people."""

CHARTS: Final = (".html", ".svg", ".png", ".json")
"""What a chart is written as, by the ending of its file."""


def told(
    run: Callable[[Facts, Settings], Answer], settings: Settings, form: Format, chart: Path | None, title: str
) -> Answer:
    """Ask one question of the facts, tell and keep the answer. Raises EbbError."""
    from serving.taking import facts_of

    if chart is not None and chart.suffix not in CHARTS:
        raise typer.BadParameter(f"{chart} should end in {', '.join(CHARTS)}", param_hint="--chart")
    progress = Progress()
    with facts_of(settings, progress) as facts, progress.step(title):
        found = run(facts, settings)
    keep(found, settings.home)
    if chart is not None:
        if found.chart is None:
            progress.say(f"{found.name} found nothing to draw")
        else:
            draw(found, chart)
            progress.say(f"drew {chart}")
    tell(found, form)
    return found


def tell(found: Answer, form: Format) -> None:
    """Write an answer to stdout: for people all of it, as CSV its main sheet, as JSON everything but the chart."""
    if form is Format.json:
        shown: dict[str, Any] = {
            "name": found.name,
            "cutoff": found.cutoff,
            "asked": found.asked,
            "says": found.says,
            "sheets": {sheet["name"]: sheet["rows"] for sheet in plain(found).sheets},
        }
        sys.stdout.write(json.dumps(shown, indent=2, ensure_ascii=False, default=str) + "\n")
    elif form is Format.csv:
        sheet = found.sheets[0]
        write(sheet.records(), _columns(sheet), form)
    else:
        title = "\n".join(found.says)
        for place, sheet in enumerate(found.sheets):
            rows = sheet.records()
            left = 0 if sheet.most is None else max(0, len(rows) - sheet.most)
            write(rows[: len(rows) - left], _columns(sheet), form, title=title if place == 0 else sheet.name)
            if left:
                typer.echo(f"… and {left:,} more; --format csv or json tells all\n")


def draw(found: Answer, path: Path) -> None:
    """Write the chart: a page that needs nothing from elsewhere, a picture, or its Vega-Lite."""
    import vl_convert

    assert found.chart is not None
    text = json.dumps(found.chart.to_dict())
    with whole(path) as fresh:
        if path.suffix == ".png":
            fresh.write_bytes(vl_convert.vegalite_to_png(text, scale=PIXELS_PER_POINT))
        elif path.suffix == ".svg":
            fresh.write_text(vl_convert.vegalite_to_svg(text), encoding="utf-8")
        elif path.suffix == ".html":
            fresh.write_text(vl_convert.vegalite_to_html(text, bundle=True), encoding="utf-8")
        else:
            fresh.write_text(text, encoding="utf-8")


def _columns(sheet: Sheet) -> list[Column]:
    return [
        Column(
            key=one.name,
            title=one.title,
            shown=SHOWN[one.kind],
            right=one.kind not in ("text", "date", "flag"),
            wraps=one.wraps,
            keep="program" if one.apart else "both",
        )
        for one in sheet.fields
    ]
