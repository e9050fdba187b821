"""Every rollup as plain rows, with names for numbers: what is kept and what is built anew must hold the same bits."""

from features import usage
from features.engines import Engine

NUMBERS = {"account": ("account_number", "account_id"), "feature": ("feature_number", "event")}


def rollups(engine: Engine) -> dict[str, list[tuple[object, ...]]]:
    """The rows of every rollup that more than other rollups read."""
    published = {step.name for step in usage.steps() if step.kind not in ("scratch", "numbers")}
    return {name: _rows(engine, name) for name in sorted(published - {"dawn_day", "feature_quarter"})}


def _rows(engine: Engine, name: str) -> list[tuple[object, ...]]:
    cells, joins = [], ""
    for column, sql_type in ((str(row[0]), str(row[1])) for row in engine.rows(f"DESCRIBE {name}")):
        if column in NUMBERS:
            table, named = NUMBERS[column]
            joins += f" JOIN {table} USING ({column})"
            cells.append(named)
        else:
            # Types count as bits do.
            cells.append(f'{column} AS "{column} {sql_type}"')
    heads = tuple(str(row[0]) for row in engine.rows(f"DESCRIBE SELECT {', '.join(cells)} FROM {name}{joins}"))
    return [heads, *engine.rows(f"SELECT {', '.join(cells)} FROM {name}{joins} ORDER BY ALL")]
