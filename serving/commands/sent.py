"""What was sent in: outcomes and feedback."""

from typing import Annotated, Literal

import typer

from serving.options import Config, Form, Home, settings
from serving.output import Column, Format, write

LISTED = (
    Column(key="at", title="at (UTC)", shown=lambda at: f"{at:%Y-%m-%d %H:%M}"),
    Column(key="key", title="key", shown=lambda key: "–" if key is None else str(key)),
    Column(key="kind", title="what"),
    Column(key="account_id", title="account"),
    Column(key="contract_id", title="contract", shown=lambda name: "–" if name is None else str(name)),
    Column(key="said", title="said"),
    Column(key="note", title="note", wraps=True),
)


def sent(
    kind: Annotated[
        Literal["outcomes", "feedback"] | None, typer.Option("--kind", help="Only these. [default: both]")
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="The latest so many requests.")] = 50,
    form: Form = Format.table,
    config: Config = None,
    home: Home = None,
) -> None:
    """Outcomes and feedback that were sent to the service, the latest first."""
    from serving.sent import Inbox
    from serving.store import ScoreStore

    with ScoreStore(settings(config, None, home).store_url) as store:
        found = Inbox(store).all(kind, limit=top)
    rows = [
        {
            "at": sending.at,
            "key": sending.key,
            "kind": sending.kind,
            "account_id": row["account_id"],
            "contract_id": row.get("contract_id"),
            "said": f"{row['outcome']} on {row['decided_on']}" if "outcome" in row else row["reason"],
            "note": " – ".join(part for part in (row.get("note"), row.get("by")) if part),
        }
        for sending in found
        for row in sending.kept
    ]
    write(rows, LISTED, form)
