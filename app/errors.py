"""The ways in which work ends badly: refused in the thread, tried again, parked. Anything else is a bug, and loud."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from app.markers import Safe

T = TypeVar("T")


class UserError(Exception):
    """What somebody ordered cannot be done; `words` tell them why, where they are.

    `reason` is for the journal: no words of a customer.
    """

    def __init__(self, words: Safe, *, reason: str = "cannot be done so") -> None:
        super().__init__(words)
        self.words = words
        self.reason = reason


class NotAllowed(UserError):
    """Not a matter of the right words: another person, or another state, would do."""


class Retry(Exception):
    """It may pass later.

    `after_s`: the vendor's own wait (Retry-After), which costs no attempt; None: the schedule decides.
    `in_doubt`: the request may have taken effect, so the next attempt has to look before it writes again.
    """

    def __init__(self, reason: str, *, after_s: float | None = None, in_doubt: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.after_s = after_s
        self.in_doubt = in_doubt

    @property
    def cause(self) -> str:
        """The kind of reason, for a metric's label."""
        return "refused_for_now" if self.after_s is None else "asked_to_wait"


class Held(Retry):
    """Our own restraint towards a vendor: no request was sent, so it says nothing about the vendor."""

    cause = "held"


class VendorDown(Retry):
    """No answer, or one with which a vendor says that it is not well."""

    cause = "vendor_down"


class Permanent(Exception):
    """It cannot pass: the delivery is parked with this reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Overtaken(Exception):
    """The work is another replica's now, or may be: this one lets go of it as it is, and writes nothing more."""


class NotAccepted(Permanent):
    """The vendor does not take the token. Said only to who set it: in the service it may be a token in rotation."""


class Absent(Permanent):
    """What was asked for is not there (or may not be seen, which GitLab does not tell apart)."""


def attempt(do: Callable[[], T]) -> T | Exception:
    """What `do` returns, or the error that it raised, as a value.

    The one place that catches everything: for threads that serve many and must outlive a bug in what they run. Whoever
    calls it answers for the error: tells the one who waits, parks the delivery, logs it.
    """
    try:
        return do()
    except Exception as fault:  # noqa: BLE001
        return fault
