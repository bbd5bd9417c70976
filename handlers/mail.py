"""A mail that the bot has handed over to itself is sent, in a lane of its own."""

from __future__ import annotations

from datetime import datetime

from app.actions import SendMail
from app.events import LetterWritten
from app.issue_text import Playbook
from app.registry import Decision, registry
from app.snapshot import Snapshot


@registry.on(LetterWritten)
def on_letter(event: LetterWritten, snapshot: Snapshot, playbook: Playbook, now: datetime) -> Decision:  # noqa: ARG001
    """All was decided when it was written."""
    send = SendMail(key=f"mail:{event.letter.key}", letter=event.letter.to_record())
    return Decision(reasons=("it was handed over to be sent",), actions=(send,))
