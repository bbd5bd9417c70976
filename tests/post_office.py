"""A mail server on loopback that takes letters for a test, and can be told to refuse them, or be away."""

from __future__ import annotations

from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from types import TracebackType
from typing import Any, Self

from aiosmtpd.controller import Controller
from icalendar import Calendar, Event

from tests.ports import free_port


@dataclass
class PostOffice:
    """`answers`: address → what the server says to it as a recipient; one that is not there is welcome."""

    answers: dict[str, str] = field(default_factory=dict)
    on_data: str | None = None
    is_rude: bool = False
    """Hangs up when it is asked to quit."""
    letters: list[tuple[str, EmailMessage]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)
    port: int = 0
    _running: Controller | None = None

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def open(self) -> None:
        """Listen, at the same port as before."""
        self.port = self.port or free_port()
        self._running = Controller(self, hostname="127.0.0.1", port=self.port, **self.options)
        self._running.start()

    def close(self) -> None:
        """Be away."""
        if self._running is not None:
            self._running.stop()
        self._running = None

    @property
    def url(self) -> str:
        return f"smtp+plain://127.0.0.1:{self.port}"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: ARG002, N802
        self.asked.append(address)
        if address in self.answers:
            return self.answers[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: ARG002, N802
        if self.on_data is not None:
            return self.on_data
        (to,) = envelope.rcpt_tos
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.letters.append((to, message))
        return "250 OK"

    async def handle_QUIT(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: ARG002, N802
        return "421 gone" if self.is_rude else "221 Bye"

    def to(self, address: str) -> list[EmailMessage]:
        """The letters that somebody got."""
        return [message for to, message in self.letters if to == address]


def event_in(message: EmailMessage) -> tuple[str, Event]:
    """The method and the event of the invitation beside the text."""
    (part,) = [each for each in message.walk() if each.get_content_type() == "text/calendar"]
    calendar = Calendar.from_ical(part.get_content())
    assert part.get_param("method") == str(calendar["METHOD"])
    (event,) = calendar.walk("VEVENT")
    return str(calendar["METHOD"]), event
