"""DuckDB's SQL carried to Spark's: SQLGlot, and the few constructs it does not carry, each with what it means there.

Every construct is tested against DuckDB by itself; the signals are tested as a whole.
"""

from collections.abc import Callable, Mapping
from typing import Final

import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel

DIGITS: Final = 18
"""DuckDB makes a decimal of up to so many digits from a 64-bit whole number."""

TINY: Final = "CAST(1E-9 AS DOUBLE)"
"""What DuckDB adds to a scaled number before it rounds, so that 0.00005 rounds away from zero as it is written."""


def carried(tree: exp.Expr) -> str:
    """A parsed DuckDB query as Spark SQL. ValueError from SQLGlot where Spark has no such thing."""
    tree = tree.copy()
    # The deepest first: what a rule wraps has been carried already.
    for node in reversed(list(tree.walk(bfs=True))):
        rule = RULES.get(type(node))
        if rule is not None:
            made = rule(node)
            if made is not node:
                node.replace(made)
    return tree.sql(dialect="spark", unsupported_level=ErrorLevel.RAISE)


def parsed(sql: str) -> exp.Expr:
    """One DuckDB statement as a tree."""
    return sqlglot.parse_one(sql, read="duckdb")


def _double(part: exp.Expr) -> exp.Expr:
    return exp.cast(exp.paren(part.copy()), "double")


def _divided(node: exp.Expr) -> exp.Expr:
    """DuckDB divides in floating point whatever the types; Spark divides decimals as decimals."""
    return exp.Div(this=_double(node.this), expression=_double(node.expression), typed=False, safe=False)


def _largest(node: exp.Expr) -> exp.Expr:
    """The value beside the largest is the known one in DuckDB, any in Spark."""
    known = exp.Not(this=exp.Is(this=node.this.copy(), expression=exp.Null()))
    return exp.Filter(this=node.copy(), expression=exp.Where(this=known))


def _filtered(node: exp.Expr) -> exp.Expr:
    """Two filters on one aggregate are both."""
    inner = node.this
    if not isinstance(inner, exp.Filter):
        return node
    both = exp.and_(inner.expression.this.copy(), node.expression.this.copy())
    return exp.Filter(this=inner.this.copy(), expression=exp.Where(this=both))


def _weekday(node: exp.Expr) -> exp.Expr:
    """Monday is 1 in ISO 8601 and 0 to Spark's `weekday`."""
    return exp.paren(exp.Add(this=exp.func("weekday", node.this.copy()), expression=exp.Literal.number(1)))


def _day_of_week(node: exp.Expr) -> exp.Expr:
    """Sunday is 0 to DuckDB and 1 to Spark."""
    day = exp.Anonymous(this="dayofweek", expressions=[node.this.copy()])
    return exp.paren(exp.Sub(this=day, expression=exp.Literal.number(1)))


def _extracted(node: exp.Expr) -> exp.Expr:
    """`extract(isodow from …)` is `isodow(…)`."""
    return _weekday(exp.DayOfWeekIso(this=node.expression)) if node.name.lower() == "isodow" else node


def _days_between(node: exp.Expr) -> exp.Expr:
    """Midnights passed, also between times: Spark's `datediff` of a unit counts whole ones."""
    if node.args["unit"].name.lower() != "day":
        return node
    days = [exp.cast(exp.paren(part.copy()), "date") for part in (node.this, node.expression)]
    return exp.Anonymous(this="datediff", expressions=days)


def _range(node: exp.Expr) -> exp.Expr:
    """As a table, not as a list."""
    if not isinstance(node.parent, exp.Table) or not node.args.get("is_end_exclusive"):
        return node
    return exp.Anonymous(this="range", expressions=[node.args[name].copy() for name in ("start", "end")])


def _shifted(node: exp.Expr) -> exp.Expr:
    """Spark shifts by an INT only."""
    node.set("expression", exp.cast(exp.paren(node.expression.copy()), "int"))
    return node


def _decimal(node: exp.Expr) -> exp.Expr:
    """A small decimal of a floating-point number, rounded as DuckDB rounds it: scaled, nudged, to the nearest."""
    kind = node.args["to"]
    sizes = [int(size.name) for size in kind.expressions] if kind.this == exp.DataType.Type.DECIMAL else []
    if len(sizes) != 2 or sizes[0] > DIGITS:
        return node
    digits, scale = sizes
    value = _double(node.this).sql("duckdb")
    whole = f"CAST(rint({value} * CAST(1E{scale} AS DOUBLE) + {TINY} * sign({value})) AS DECIMAL({digits}, 0))"
    # A whole number times a power of ten is exact; the outer cast only gives it its type.
    unit = f"CAST('{10**-scale:.{scale}f}' AS DECIMAL({scale + 1}, {scale}))"
    return _spark(f"CAST({whole} * {unit} AS DECIMAL({digits}, {scale}))")


def _starred(node: exp.Expr) -> exp.Expr:
    """Spark can leave columns out of `*` but not replace them: the new ones stand at the end."""
    stars = [item for item in node.expressions if _star(item).args.get("replace")]
    for item in stars:
        star = _star(item)
        replaced = star.args["replace"]
        star.set("replace", None)
        star.set("except_", [exp.to_identifier(each.alias) for each in replaced])
        for each in replaced:
            node.append("expressions", each.copy())
    return node


def _star(item: exp.Expr) -> exp.Expr:
    inner = item.this if isinstance(item, exp.Column) else item
    return inner if isinstance(inner, exp.Star) else exp.Null()


def _named(node: exp.Expr) -> exp.Expr:
    """Functions that SQLGlot passes on by name."""
    rule = FUNCTIONS.get(node.name.lower())
    return node if rule is None else rule(node)


def _renamed(name: str) -> Callable[[exp.Expr], exp.Expr]:
    return lambda node: exp.func(name, *(part.copy() for part in node.expressions))


def _infinite(node: exp.Expr) -> exp.Expr:
    return _spark(f"(abs({node.this.sql('spark')}) = CAST('Infinity' AS DOUBLE))")


def _truncated(node: exp.Expr) -> exp.Expr:
    """To Spark `trunc` is for dates."""
    value = node.this.sql("spark")
    return _spark(f"(sign({value}) * floor(abs({value})))")


def _quantile(node: exp.Expr) -> exp.Expr:
    return exp.func("percentile", node.this.copy(), node.expression.copy())


def _spark(sql: str) -> exp.Expr:
    return sqlglot.parse_one(sql, read="spark")


FUNCTIONS: Final[Mapping[str, Callable[[exp.Expr], exp.Expr]]] = {
    "arg_max_null": _renamed("max_by"),
    "arg_min_null": _renamed("min_by"),
    "hash": _renamed("xxhash64"),
}

RULES: Final[Mapping[type[exp.Expr], Callable[[exp.Expr], exp.Expr]]] = {
    exp.Anonymous: _named,
    exp.ArgMax: _largest,
    exp.ArgMin: _largest,
    exp.BitwiseLeftShift: _shifted,
    exp.Cast: _decimal,
    exp.DateDiff: _days_between,
    exp.DayOfWeek: _day_of_week,
    exp.DayOfWeekIso: _weekday,
    exp.Div: _divided,
    exp.Extract: _extracted,
    exp.Filter: _filtered,
    exp.GenerateSeries: _range,
    exp.IsInf: _infinite,
    exp.PercentileCont: _quantile,
    exp.Select: _starred,
    exp.Trunc: _truncated,
}
