"""Keys of the service: made, shown once, kept as salted hashes, revoked.

A key is ``ebb_ID_SECRET``. The secret has 256 random bits: nobody guesses it, so a plain salted SHA-256 keeps it as
well as a slow hash would, and checking it costs microseconds. Slow hashes are for what people choose themselves (OWASP
Password Storage Cheat Sheet).
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal, get_args

from features.errors import SettingsError

Scope = Literal["score", "read", "write", "admin"]
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)

FORM: Final = re.compile(r"ebb_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, kw_only=True)
class Key:
    """A key as it is kept: everything but the secret. Times in UTC."""

    id: str
    name: str
    scopes: frozenset[Scope]
    salt: str
    digest: str
    per_minute: int
    made_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    used_at: datetime | None = None

    def opens(self, secret: str) -> bool:
        """Whether it is this key's secret; takes the same time for every wrong one."""
        return hmac.compare_digest(self.digest, hashed(secret, self.salt))

    def standing(self, now: datetime) -> Literal["valid", "revoked", "expired"]:
        """Whether it still counts."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "valid"


def hashed(secret: str, salt: str) -> str:
    """The salted hash of a secret, 64 hexadecimal digits."""
    return hashlib.sha256(f"{salt}.{secret}".encode()).hexdigest()


def made(name: str, scopes: Collection[str], *, per_minute: int, expires_at: datetime | None = None) -> tuple[Key, str]:
    """A new key, and its text, which is not kept anywhere. Raises SettingsError naming what is wrong."""
    if not NAME.fullmatch(name):
        raise SettingsError("a key's name is up to 64 letters, digits, dots, dashes and underscores")
    given = frozenset(scope for scope in SCOPES if scope in scopes)
    unknown = sorted(set(scopes) - given)
    if unknown or not given:
        raise SettingsError(f"no scope {unknown[0] if unknown else 'given'}; there are {', '.join(SCOPES)}")
    identity, secret, salt = secrets.token_hex(6), secrets.token_urlsafe(32), secrets.token_hex(16)
    key = Key(
        id=identity,
        name=name,
        scopes=given,
        salt=salt,
        digest=hashed(secret, salt),
        per_minute=per_minute,
        made_at=datetime.now(UTC),
        expires_at=expires_at,
    )
    return key, f"ebb_{identity}_{secret}"


def parted(text: str) -> tuple[str, str] | None:
    """The id and the secret of a key's text; None when it has not the form of one."""
    found = FORM.fullmatch(text)
    return None if found is None else (found[1], found[2])
