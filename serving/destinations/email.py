"""An e-mail a week to each customer-success manager, by SMTP (RFC 5321), as plain text (RFC 5322).

A reply of 4yz is worth another try, one of 5yz is final (RFC 5321, 4.2.1). The Message-ID stays however often a message
is tried, so that a mail system that drops repeated ones does.
"""

import smtplib
import ssl
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from ipaddress import ip_address
from typing import ClassVar, Final

from features.errors import PushError, SettingsError, TerminalError, TransientError
from serving.config import setting
from serving.push.digest import digests, ending, lines, name_of, summary, title
from serving.push.parcels import Book, Parcel, Refusal
from serving.push.secret import Secrets

SECONDS: Final = 30
"""How long a mail server is waited for."""


@dataclass(frozen=True, kw_only=True)
class Email:
    """A digest a week to each customer-success manager, by e-mail."""

    kind: ClassVar[str] = "email"
    writes: ClassVar[str] = "a digest a week to each customer-success manager"
    limits: ClassVar[str] = "replies of 4yz (busy, too many) are waited for"
    idempotent: ClassVar[str] = "at least once; one digest a person and week, and its Message-ID stays"
    at_once: ClassVar[int] = 1

    name: str
    host: str = setting("", "the mail server")
    port: int = setting(587, "its port", least=1, most=65535)
    security: str = setting("starttls", "starttls, tls (from the start) or none", one_of=("starttls", "tls", "none"))
    user: str = setting("", "the user to log in as (empty: no login)")
    password_env: str = setting("", "the variable of the user's password")
    sender: str = setting("", "whom it is from")
    owners: Mapping[str, str] = setting(
        {}, 'who is written to: [destinations.NAME.owners] then "csm-09" = "kim@example.com" (or name owners so)'
    )
    otherwise: str = setting("", "the address for owners without one, and for accounts without an owner")

    def __post_init__(self) -> None:
        said = f"[destinations.{self.name}]"
        if not self.host or not self.sender:
            raise SettingsError(f"{said} has no {'sender' if self.host else 'host'}")
        for address in (self.sender, *self.owners.values(), *([self.otherwise] if self.otherwise else [])):
            if not _is_address(address):
                raise SettingsError(f"{said}: {address!r} is no e-mail address")
        if bool(self.user) != bool(self.password_env):
            raise SettingsError(f"{said} needs user and password_env, or neither")
        if self.user and self.security == "none" and not _is_here(self.host):
            raise SettingsError(f'{said} would send the password where anybody may read it; security = "starttls"')

    @property
    def place(self) -> str:
        """The server."""
        return f"{self.host}:{self.port}"

    @property
    def is_lost(self) -> bool:
        """Never: what was sent is sent."""
        return False

    def parcels(self, book: Book) -> list[Parcel]:
        """One digest a person."""
        own = {item.score.owner: item.score.owner for item in book.items if item.score.owner}
        own = {owner: address for owner, address in own.items() if _is_address(address)}
        return digests(book, {**own, **self.owners}, self.otherwise)

    @contextmanager
    def opened(self, secrets: Secrets) -> Iterator["_Line"]:
        """A line that connects when the first message goes."""
        line = _Line(self, secrets)
        try:
            yield line
        finally:
            line.hang_up()


class _Line:
    def __init__(self, settings: Email, secrets: Secrets):
        self._settings, self._secrets = settings, secrets
        self._server: smtplib.SMTP | None = None

    def deliver(self, parcels: Sequence[Parcel]) -> Sequence[Refusal]:
        """Send each message; one whose recipient is refused comes back."""
        return [refusal for parcel in parcels if (refusal := self._sent(parcel)) is not None]

    def arrived(self, parcels: Sequence[Parcel]) -> Collection[str]:
        """Not known: mail has no way to ask."""
        return ()

    def hang_up(self) -> None:
        """Leave, if anybody is still there."""
        if self._server is not None:
            with suppress(smtplib.SMTPException, OSError):
                self._server.quit()
            self._server.close()
            self._server = None

    def _sent(self, parcel: Parcel) -> Refusal | None:
        message = written(self._settings, parcel)
        try:
            self._connected().send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            code, said = next(iter(error.recipients.values()))
            return self._answered(parcel, code, said)
        except smtplib.SMTPAuthenticationError as error:
            self.hang_up()
            raise _fault("the login is refused", error.smtp_code, error.smtp_error) from None
        except smtplib.SMTPSenderRefused as error:
            self.hang_up()
            raise _fault("the sender is refused", error.smtp_code, error.smtp_error) from None
        except smtplib.SMTPResponseException as error:
            return self._answered(parcel, error.smtp_code, error.smtp_error)
        except smtplib.SMTPNotSupportedError as error:
            self.hang_up()
            raise TerminalError(f"the mail server cannot do what is asked: {error}") from None
        except (smtplib.SMTPException, OSError) as error:
            self.hang_up()
            raise TransientError(f"no answer: {type(error).__name__} {error}") from None
        return None

    def _answered(self, parcel: Parcel, code: int, said: bytes | str) -> Refusal | None:
        if code < 500:
            self.hang_up()
            raise _fault("it is not taken now", code, said)
        return Refusal(key=parcel.key, reason=str(_fault("it is not taken", code, said)))

    def _connected(self) -> smtplib.SMTP:
        if self._server is None:
            asked, tls = self._settings, ssl.create_default_context()
            if asked.security == "tls":
                self._server = smtplib.SMTP_SSL(asked.host, asked.port, timeout=SECONDS, context=tls)
            else:
                self._server = smtplib.SMTP(asked.host, asked.port, timeout=SECONDS)
            if asked.security == "starttls":
                self._server.starttls(context=tls)
            if asked.user:
                self._server.login(asked.user, self._secrets["password_env"])
        return self._server


def written(settings: Email, parcel: Parcel) -> EmailMessage:
    """The message of a digest. Texts of the data stand in its body only, or on one line."""
    told = parcel.told
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"] = settings.sender, told["to"]
    message["Subject"] = " ".join(title(told).split())
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = f"<{parcel.id}@{parseaddr(settings.sender)[1].rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    parts = [summary(told)]
    for place, account in enumerate(told["accounts"], start=1):
        parts.append("\n   ".join([f"{place}. {name_of(account)}", *(" ".join(one.split()) for one in lines(account))]))
    message.set_content("\n\n".join([*parts, *([ending(told)] if ending(told) else [])]) + "\n")
    return message


def _fault(what: str, code: int, said: bytes | str) -> PushError:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    kind = TransientError if code < 500 else TerminalError
    return kind(f"{what}: {code} {text}")


def _is_address(text: str) -> bool:
    name, _, domain = parseaddr(text)[1].rpartition("@")
    return bool(name and domain) and not any(letter in text for letter in "\r\n")


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
