"""The mail server as one URL names it; no I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, urlsplit

PORTS: Final = {"smtps": 465, "smtp": 587, "smtp+plain": 25}
"""TLS from the first byte; STARTTLS, which has to be offered; nothing encrypted, for a relay on the same machine."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is handed over, as a URL says it: `smtps://user:password@host:465`."""

    scheme: str
    host: str
    port: int
    user: str | None = None
    password: str | None = field(default=None, repr=False)


def mail_server(url: str) -> MailServer:
    """Raises ValueError, in words that show no password, where it is none."""
    parts = urlsplit(url)
    if parts.scheme not in PORTS or not parts.hostname:
        raise ValueError(f"must begin with {', '.join(f'{s}://' for s in PORTS)} and name a host")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("ends with host and port (in a password, / ? # are written %2F %3F %23)")
    try:
        port = parts.port
    except ValueError:  # its words would show what stands there, which may be a password
        raise ValueError("has no number for a port") from None
    if (parts.username is None) != (parts.password is None):
        raise ValueError("has a user and a password, or neither")
    if parts.password is not None and parts.scheme == "smtp+plain":
        raise ValueError("would send the password unencrypted: smtps:// or smtp:// (which is STARTTLS) encrypt it")
    user, password = (None if each is None else unquote(each) for each in (parts.username, parts.password))
    return MailServer(parts.scheme, parts.hostname, port or PORTS[parts.scheme], user, password)
