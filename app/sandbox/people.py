"""The cast of the sandbox: who works in the PS Plan project, and with which role.

Everybody has a token that is easy to type (`glpat-sandbox-<username>`); these are not secrets, they open nothing but a
sandbox.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.sandbox.records import AccessLevel


@dataclass(frozen=True, slots=True)
class Person:
    """A member of the project from the start; `duty` is for readers and pages, GitLab knows only the level."""

    username: str
    name: str
    level: AccessLevel
    duty: str
    is_admin: bool = False
    is_bot: bool = False


CAST: tuple[Person, ...] = (
    Person("root", "Administrator", AccessLevel.OWNER, "administrator", is_admin=True),
    Person("alice", "Alice Archer", AccessLevel.REPORTER, "account executive"),
    Person("sam", "Sam Sato", AccessLevel.REPORTER, "solutions architect"),
    Person("ps-bot", "PS Plan Bot", AccessLevel.REPORTER, "the bot", is_bot=True),
    Person("erin", "Erin Engel", AccessLevel.DEVELOPER, "engagement manager"),
    Person("evan", "Evan Ekholm", AccessLevel.DEVELOPER, "engagement manager"),
    Person("tara", "Tara Tanaka", AccessLevel.DEVELOPER, "technical architect"),
    Person("ravi", "Ravi Rao", AccessLevel.DEVELOPER, "regional delivery manager"),
    Person("dana", "Dana Diaz", AccessLevel.DEVELOPER, "director of professional services"),
    Person("cora", "Cora Cohen", AccessLevel.DEVELOPER, "project coordinator"),
    Person("petra", "Petra Palm", AccessLevel.DEVELOPER, "project manager"),
    Person("rhea", "Rhea Rossi", AccessLevel.REPORTER, "revenue"),
    Person("lena", "Lena Lind", AccessLevel.REPORTER, "legal"),
)


GROUPS: dict[str, tuple[str, ...]] = {
    "ps/engagement-managers": ("erin", "evan"),
    "ps/technical-architects": ("tara",),
    "ps/deliverymanagers": ("ravi",),
}
"""Groups that are there from the start, by path, with the user names of their members."""


def token_of(username: str) -> str:
    """The ready-made API token of one of the cast (and of everybody added later)."""
    return f"glpat-sandbox-{username}"
