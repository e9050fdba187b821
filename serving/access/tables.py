"""The tables of access: keys and people, of whom only hashes are kept, the record of calls, and what was sent."""

from typing import Final

from sqlalchemy import (
    JSON,
    Column,
    Date,
    DateTime,
    Double,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
)

from serving.ledger import METADATA

KEYS: Final = Table(
    "api_keys",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("scopes", JSON, nullable=False),
    Column("salt", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("per_minute", Integer, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True)),
    Column("revoked_at", DateTime(timezone=True)),
    Column("used_at", DateTime(timezone=True)),
)

CALLS: Final = Table(
    "calls",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("at", DateTime(timezone=True), nullable=False),
    # The name, not the key: a name is never given twice, and a key must not be read here.
    Column("key", Text),
    Column("method", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("accounts", Integer, nullable=False),
    Column("account_ids", JSON, nullable=False),
    Column("model_version", Text),
    Column("cutoff", Date),
    Column("milliseconds", Double, nullable=False),
    Index("calls_by_key", "key", "at"),
    sqlite_autoincrement=True,
)

SENT: Final = Table(
    "sent",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("key", Text),
    Column("kind", Text, nullable=False),
    Column("idempotency_key", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("rows", JSON, nullable=False),
    UniqueConstraint("kind", "idempotency_key", name="sent_once"),
    sqlite_autoincrement=True,
)

PEOPLE: Final = Table(
    "people",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("role", Text, nullable=False),
    # Whose accounts are theirs; the owner of the facts.
    Column("owner", Text),
    Column("digest", Text, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("removed_at", DateTime(timezone=True)),
)

SESSIONS: Final = Table(
    "sessions",
    METADATA,
    Column("digest", Text, primary_key=True),
    Column("person", Text, nullable=False),
    Column("began_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    Index("sessions_of_person", "person"),
)
