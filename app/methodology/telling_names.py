"""Names in the notifications of a methodology that lead nowhere; and those that a team's file has taken away."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from app.methodology.telling import MAIN, PUBSEC, Notification

Found = Iterator[tuple[tuple[str | int, ...], str, str, list[str]]]
"""Where it stands, what kind of name it is, the name, and what would be allowed."""


def names_in_notifications(
    notifications: Mapping[str, Notification],
    *,
    channels: Iterable[str],
    roles: Iterable[str],
    gates: Iterable[str],
    states: Iterable[str],
) -> Found:
    """Every name that a notification refers to by, with what there is."""
    known = {"state": ("state", list(states)), "asked": ("gate", list(gates)), "sent_back": ("gate", list(gates))}
    for key, rules in notifications.items():
        here = ("notifications", key)
        for field, (what, allowed) in known.items():
            name = getattr(rules.on, field)
            if name is not None:
                yield (*here, "on", field), what, name, allowed
        yield (*here, "channel"), "channel", rules.channel, list(channels)
        for index, role in enumerate(rules.roles):
            yield (*here, "roles", index), "role", role, list(roles)
    for needed in (MAIN, PUBSEC):
        yield ("slack", "channels"), "channel", needed, list(channels)


def without_what_is_gone(content: dict[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """A file's content without inherited notifications of states and gates that the file itself has taken away.

    A team that takes away the TA gate has not asked to be told that a notification of the default file names it. What
    stands in the team's own file is its own fault. Works on plain values that may have any form yet.
    """
    held = content.get("notifications")
    if not isinstance(held, dict):
        return content
    own_keys = _names(own.get("notifications"))
    kept: dict[str, Any] = {}
    for key, rules in held.items():
        if key in own_keys or not isinstance(rules, dict):
            kept[key] = rules
        elif _has_occasion(rules.get("on"), content):
            kept[key] = _with_known_roles(rules, content)
    return {**content, "notifications": kept}


def _has_occasion(occasion: Any, content: Mapping[str, Any]) -> bool:
    if not isinstance(occasion, dict):
        return True
    gates, tracks = _names(content.get("gates")), content.get("tracks")
    for field in ("asked", "sent_back"):
        if field in occasion and occasion[field] not in gates:
            return False
    if "state" in occasion:
        track, _, state = str(occasion["state"]).partition(".")
        held = tracks.get(track) if isinstance(tracks, dict) else None
        return isinstance(held, dict) and state in _names(held.get("states"))
    return True


def _with_known_roles(rules: dict[str, Any], content: Mapping[str, Any]) -> dict[str, Any]:
    roles = rules.get("roles")
    if not isinstance(roles, list):
        return rules
    known = _names(content.get("roles"))
    return {**rules, "roles": [role for role in roles if role in known]}


def _names(value: Any) -> frozenset[Any]:
    return frozenset(value) if isinstance(value, dict) else frozenset()
