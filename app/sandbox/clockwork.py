"""How the sandbox spells times, counts requests within a minute and lists names.

GitLab spells one instant in two ways: REST and hook tests use ISO with milliseconds, ordinary hook bodies a form with a
blank and `UTC`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]


def words(text: str) -> tuple[str, ...]:
    """The words of a text; keeps long lists of names readable."""
    return tuple(text.split())


def wall_clock() -> datetime:
    """The present time in UTC."""
    return datetime.now(UTC)


def iso(moment: datetime | None) -> str | None:
    """`2026-11-22T18:23:58.047Z`, as REST answers have it."""
    if moment is None:
        return None
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def hook_time(moment: datetime | None) -> str | None:
    """`2026-11-22 18:23:58 UTC`, as hook bodies have it."""
    return None if moment is None else f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def parse_time(text: str) -> datetime | None:
    """Read an ISO time or date of a query parameter; None when it is neither."""
    try:
        moment = datetime.fromisoformat(text.strip().replace(" ", "+"))
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


@dataclass(slots=True)
class RateLimits:
    """Requests per minute, or None for no limit (as on a self-managed instance); gitlab.com: 200, 60, 10, 2000."""

    issues_per_min: int | None = None
    notes_per_min: int | None = None
    search_per_min: int | None = None
    api_per_min: int | None = None


class Meter:
    """Counts per user and kind what happened within the last minute."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen: dict[tuple[str, int], deque[datetime]] = {}

    def admits(self, kind: str, *, user_id: int, limit: int | None) -> bool:
        """Count one use and say whether it was still within the limit; refused uses do not count."""
        if limit is None:
            return True
        now = self._clock()
        seen = self._seen.setdefault((kind, user_id), deque())
        while seen and seen[0] <= now - timedelta(minutes=1):
            seen.popleft()
        if len(seen) >= limit:
            return False
        seen.append(now)
        return True

    def used(self, kind: str, *, user_id: int) -> int:
        """How many uses of the last minute are on record."""
        return len(self._seen.get((kind, user_id), ()))
