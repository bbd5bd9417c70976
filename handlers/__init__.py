"""What each event brings about: pure functions that return actions; no I/O, no clock, no SQL.

Importing this package registers every handler.
"""

from handlers import (
    answers,
    approvals,
    comments,
    delivery_prep,
    estimates,
    help,
    issues,
    moves,
    status,
    submissions,
    triage,
)

__all__ = [
    "answers",
    "approvals",
    "comments",
    "delivery_prep",
    "estimates",
    "help",
    "issues",
    "moves",
    "status",
    "submissions",
    "triage",
]
