"""The three ways in which work ends badly; anything else is a bug and is parked loudly."""

from __future__ import annotations


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


class Permanent(Exception):
    """It cannot pass: the delivery is parked with this reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
