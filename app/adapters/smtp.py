"""Mail through smtplib: one connection and one person a letter, every answer turned into our terms.

What the server refuses for this person (5xx) is final; what it refuses for the service (login, sender) or for now (4xx)
is tried again. Where the connection breaks after the text was sent, the letter goes once more: its Message-ID is the
same, and so are UID and SEQUENCE, so that a calendar sees one invitation.
"""

from __future__ import annotations

import hashlib
import smtplib
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import cached_property
from time import monotonic
from typing import Final

from app.adapters.vendor import Vendor
from app.adapters.watch import OK
from app.clock import Timer
from app.errors import Held, Permanent, Retry, VendorDown
from app.letter import Letter
from app.mail_server import mail_server
from app.metrics import Metrics

VENDOR: Final = "smtp"
TIMEOUT_S: Final = 10.0
MOST_AT_ONCE: Final = 2
"""So many workers may wait for a mail server at a time: the others belong to GitLab."""
BEHIND_OTHERS_S: Final = 0.3
"""So long a worker waits for its turn: a server that is well takes a letter in less."""
SENDER: Final = "PS Plan Bot"


class SmtpPost:
    """Implements ports.Post. `url`: a function, because the password in it may change."""

    def __init__(
        self, *, url: Callable[[], str], sender: str, timer: Timer, metrics: Metrics, timeout_s: float = TIMEOUT_S
    ) -> None:
        self._url = url
        self._sender = sender
        self._timeout_s = timeout_s
        self._vendor = Vendor("the mail server", VENDOR, timer, metrics, credential="the login")
        self.trouble = self._vendor.trouble
        self._places = threading.BoundedSemaphore(MOST_AT_ONCE)

    def send(self, letter: Letter) -> None:
        """One connection, one recipient."""
        if not self._places.acquire(timeout=BEHIND_OTHERS_S):
            raise Held("other mail is being sent", after_s=1.0)
        try:
            with self._vendor.breaker.call(), self._translated("SEND mail"), self._session() as session:
                session.send_message(as_mime(letter, self._sender), self._sender, [letter.to])
        finally:
            self._places.release()

    def greet(self) -> str:
        """Connect, say EHLO, log in; what the server calls itself. Raises Retry or Permanent."""
        with self._translated("EHLO"), self._session() as session:
            session.noop()
            return (session.ehlo_resp or b"").decode("ascii", "replace").split("\n")[0]

    @cached_property
    def _trusted(self) -> ssl.SSLContext:
        """Whom the machine trusts; reading that takes longer than a letter."""
        return ssl.create_default_context()

    @contextmanager
    def _session(self) -> Iterator[smtplib.SMTP]:
        server = mail_server(self._url())
        session = (
            smtplib.SMTP_SSL(server.host, server.port, timeout=self._timeout_s, context=self._trusted)
            if server.scheme == "smtps"
            else smtplib.SMTP(server.host, server.port, timeout=self._timeout_s)
        )
        try:
            if server.scheme == "smtp":
                session.starttls(context=self._trusted)
            session.ehlo_or_helo_if_needed()
            if server.user is not None and server.password is not None:
                session.login(server.user, server.password)
            yield session
        finally:
            # a server that does not say good-bye has taken the letter all the same: it must not be sent again
            with suppress(smtplib.SMTPException, OSError):
                session.quit()
            session.close()

    @contextmanager
    def _translated(self, verb: str) -> Iterator[None]:
        began_at = monotonic()
        outcome, is_refused = OK, False
        try:
            yield
        except smtplib.SMTPRecipientsRefused as fault:
            ((code, said),) = fault.recipients.values()
            outcome = str(code)
            raise _refused(code, said) from fault
        except smtplib.SMTPSenderRefused as fault:
            outcome = str(fault.smtp_code)
            raise Retry(f"the mail server refuses the sender: {_words(fault.smtp_code, fault.smtp_error)}") from fault
        except smtplib.SMTPDataError as fault:
            outcome = str(fault.smtp_code)
            raise _refused(fault.smtp_code, fault.smtp_error) from fault
        except smtplib.SMTPAuthenticationError as fault:
            outcome, is_refused = str(fault.smtp_code), True
            # its words may hold the name of the user
            raise Retry(f"the mail server does not take the login ({fault.smtp_code})") from fault
        except smtplib.SMTPNotSupportedError as fault:
            outcome = "unsupported"
            raise Retry("the mail server offers no STARTTLS, or no login: see PSPLAN_SMTP_URL") from fault
        except ssl.SSLError as fault:
            outcome = "tls"
            raise VendorDown(f"no TLS with the mail server ({fault.reason or type(fault).__name__})") from fault
        except (smtplib.SMTPException, OSError) as fault:
            outcome = "network"
            raise VendorDown(f"the mail server does not answer ({type(fault).__name__})") from fault
        finally:
            self._vendor.watch.ended(verb, outcome, {}, began_at=began_at)
            if outcome not in {"network", "tls"}:
                self._vendor.answered(is_refused=is_refused)


def as_mime(letter: Letter, sender: str) -> EmailMessage:
    """The letter as it is sent: the same each time. Calendars read the part beside the text; people save the file."""
    message = EmailMessage(policy=SMTP)
    user, _, domain = sender.rpartition("@")
    message["From"] = Address(SENDER, user, domain)
    message["To"] = letter.to
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(datetime.fromtimestamp(int(letter.at), UTC))
    message["Message-ID"] = f"<{hashlib.sha256(letter.key.encode()).hexdigest()[:32]}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text, cte="quoted-printable")
    message.add_alternative(
        letter.calendar, subtype="calendar", params={"method": letter.method}, cte="base64", charset="utf-8"
    )
    content = letter.calendar.encode()
    message.add_attachment(content, maintype="application", subtype="ics", filename=letter.file_name)
    boundary = hashlib.sha256(content).hexdigest()[:24]
    for number, part in enumerate(each for each in message.walk() if each.is_multipart()):
        part.set_boundary(f"psplan-{number}-{boundary}")
    return message


def _refused(code: int, said: bytes | str) -> Retry | Permanent:
    """Of one recipient, or of one text."""
    words = f"the mail server refuses it: {_words(code, said)}"
    return Permanent(words) if 500 <= code < 600 else Retry(words)


def _words(code: int, said: bytes | str) -> str:
    """What it answered, without the address that servers like to repeat."""
    text = said.decode("ascii", "replace") if isinstance(said, bytes) else said
    return f"{code} " + " ".join("…" if "@" in word else word for word in text.split())[:200]
