"""Answers of analyses as they are kept: a JSON file for each, told to programs and pages until it is computed anew."""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

from features.analyses.answer import Answer
from serving.whole_file import whole

FOLDER: Final = "analyses"


@dataclass(frozen=True, kw_only=True)
class Answered:
    """An answer as plain values: each sheet with its ``fields`` and ``rows``, the chart as Vega-Lite."""

    name: str
    made_at: datetime
    cutoff: date
    says: tuple[str, ...]
    asked: dict[str, Any]
    sheets: tuple[dict[str, Any], ...]
    chart: dict[str, Any] | None


def plain(answer: Answer) -> Answered:
    """The answer as it is kept and sent."""
    return Answered(
        name=answer.name,
        made_at=datetime.now(UTC).replace(microsecond=0),
        cutoff=answer.cutoff,
        says=answer.says,
        asked=dict(answer.asked),
        sheets=tuple(
            {
                "name": sheet.name,
                "fields": [
                    {"name": one.name, "title": one.title, "kind": one.kind, "meaning": one.meaning}
                    for one in sheet.fields
                ],
                "rows": sheet.records(),
            }
            for sheet in answer.sheets
        ),
        chart=None if answer.chart is None else answer.chart.to_dict(),
    )


def keep(answer: Answer, home: Path) -> Answered:
    """Keep an answer in a home in place of the one before. Raises TransientError or TerminalError."""
    found = plain(answer)
    with whole(home / FOLDER / f"{answer.name}.json") as path:
        path.write_text(json.dumps(vars(found), default=_text, ensure_ascii=False, allow_nan=False), encoding="utf-8")
    return found


def read(home: Path, name: str) -> Answered | None:
    """The kept answer of a name; None where it was never asked for."""
    path = home / FOLDER / f"{name}.json"
    if not path.is_file():
        return None
    told = json.loads(path.read_text(encoding="utf-8"))
    return Answered(
        name=told["name"],
        made_at=datetime.fromisoformat(told["made_at"]),
        cutoff=date.fromisoformat(told["cutoff"]),
        says=tuple(told["says"]),
        asked=told["asked"],
        sheets=tuple(told["sheets"]),
        chart=told["chart"],
    )


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, date | datetime) else str(value)
