"""Templates to answers: every text of the data is escaped, and the browser is told to run nothing but our own files."""

from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import Response

from serving.output import printable
from serving.web import paths

HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def html(template: str, status: int = 200, **values: Any) -> Response:
    """A page of a template in serving/web."""
    known = {"person": None, "csrf": "", "theme": "", "path": "", "is_open": False, "bare": False}
    text = environment().get_template(template).render(known | values)
    return Response(text, status, media_type="text/html", headers=dict(HEADERS))


@cache
def environment() -> Environment:
    """Where templates are read and escaped."""
    from serving.web.assets import version

    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        percent=percent, money=money, short=short, day=day, clean=clean, figure=figure, signed=signed, moment=moment
    )
    made.globals.update(root=paths.ROOT, account_path=paths.account, asset=version)
    return made


def clean(text: object) -> str:
    """A text of the data without control characters; a dash where there is none."""
    return printable(str(text)) if text not in (None, "") else "–"


def percent(share: float | None, digits: int = 0) -> str:
    """0.314 -> 31 %."""
    return "–" if share is None else f"{100 * share:.{digits}f} %"


def signed(points: float, digits: int = 0) -> str:
    """0.031 -> +3: a difference of shares in points."""
    return f"{100 * points:+.{digits}f}".replace("-", "−")


def money(value: float | None) -> str:
    """12345.6 -> 12,346."""
    return "–" if value is None else f"{value:,.0f}"


def short(value: float | None) -> str:
    """1234567 -> 1.2 M."""
    if value is None:
        return "–"
    for size, unit in ((1e9, " bn"), (1e6, " M"), (1e4, " k")):
        if abs(value) >= size:
            return f"{value / (1e3 if unit == ' k' else size):,.{1 if unit != ' k' else 0}f}{unit}"
    return f"{value:,.0f}"


def figure(value: object) -> str:
    """A number as short as it may be told; texts and flags as they are."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else clean(value)


def day(value: date | None) -> str:
    """17 Nov 2025."""
    return "–" if value is None else f"{value.day} {value:%b %Y}"


def moment(value: datetime) -> str:
    """17 Nov 2025, 09:30 (UTC)."""
    return f"{day(value.date())}, {value:%H:%M} UTC"
