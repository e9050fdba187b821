"""Tables that only grow: the triggers that see to it, as they were when a step was written."""

from alembic import op

SAID = "is append-only: what was said stays as it was said"


def only_grows(table: str, same: str) -> None:
    """UPDATE, DELETE (and what amounts to them) fail; ``same`` says in SQL that a new row is already there."""
    for statement in statements(op.get_bind().dialect.name, table, same):
        op.execute(statement)


def statements(dialect: str, table: str, same: str) -> tuple[str, ...]:
    """The SQL of it. In SQLite INSERT OR REPLACE would delete without firing the trigger of DELETE."""
    if dialect == "sqlite":
        conditions = {"UPDATE": "", "DELETE": "", "INSERT": f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {same})"}
        return tuple(
            f"CREATE TRIGGER IF NOT EXISTS {table}_no_{action.lower()} BEFORE {action} ON {table} {condition} "
            f"BEGIN SELECT RAISE(ABORT, '{table} {SAID}'); END"
            for action, condition in conditions.items()
        )
    function = f"{table}_append_only"
    return (
        f"CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{table} {SAID}'; END $$",
        f"DROP TRIGGER IF EXISTS {function} ON {table}",
        f"CREATE TRIGGER {function} BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {function}()",
    )
