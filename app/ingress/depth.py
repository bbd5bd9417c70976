"""How deep JSON is nested: honest senders stay below ten levels, and whoever walks through it later recurses."""

from __future__ import annotations

from typing import Any

MOST_LEVELS = 64


def is_too_deep(body: bytes, parsed: Any) -> bool:
    """Whether `parsed`, which is what the body says, has more than MOST_LEVELS levels of lists and objects."""
    if body.count(b"{") + body.count(b"[") <= MOST_LEVELS:
        return False  # the usual case, and the cheap one
    level = [parsed]
    for _ in range(MOST_LEVELS):
        level = [child for each in level for child in _children(each)]
        if not level:
            return False
    return True


def stopped_by_depth(body: bytes, fault: ValueError) -> bool:
    """Whether the parser gave up on what is JSON as far as one can see, because it is nested too deep (1024 levels)."""
    ends = body.strip()
    gave_up = any(
        word in str(fault).lower() for word in ("depth limit", "recursion limit")
    )  # as orjson's versions say it
    return gave_up and (ends[:1], ends[-1:]) in {(b"[", b"]"), (b"{", b"}")}


def _children(value: Any) -> list[Any]:
    """The lists and objects in it; it may be anything."""
    if isinstance(value, dict):
        return [each for each in value.values() if isinstance(each, dict | list)]
    return [each for each in value if isinstance(each, dict | list)] if isinstance(value, list) else []
