"""How the tables of the score store came to be, step by step; a store of any earlier step is brought forward."""

from pathlib import Path
from typing import Final

from sqlalchemy import Connection, inspect, text

from features.errors import StoreError

HEAD: Final = "0007"
"""The step this Ebb works with."""

LOCK: Final = 4_203_110
"""PostgreSQL's advisory lock under which steps are made: any number, always the same one."""


def step_of(connection: Connection) -> str | None:
    """The step a store is at; None where it is empty or from before steps were counted."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def bring_forward(connection: Connection) -> None:
    """Make what steps are missing, within the transaction of the connection; StoreError where the store is newer."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
    at = step_of(connection)
    if at == HEAD:
        return
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise StoreError(f"the score store is at step {at}, which a newer Ebb made; this one knows {HEAD}") from error
