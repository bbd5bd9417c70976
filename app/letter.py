"""A mail that the bot sends: to one person, so that one address that is refused keeps nobody else from theirs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What is sent. `calendar`: an invitation that goes with it, and `method` what is to be done with that.

    `key` names it for ever: sent twice, it is known by its Message-ID. `at`: of when it is, seconds since 1970.
    `engagement`, `issue` (its kind) and `name` (in GitLab): what it is about, and whom it is for.
    """

    key: str
    to: str
    subject: str
    text: str
    calendar: str
    method: str
    file_name: str
    at: float
    engagement: str = ""
    issue: str = ""
    name: str = ""

    def to_record(self) -> dict[str, Any]:
        """As stored: JSON values only."""
        return asdict(self)


def letter_from_record(record: Mapping[str, Any]) -> Letter:
    """What `to_record` wrote."""
    return Letter(**record)


def short_name(address: str) -> str:
    """What stands for an address where it is not to be read: in keys, lanes and the log."""
    return hashlib.sha256(address.lower().encode()).hexdigest()[:12]
