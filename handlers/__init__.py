"""What each event and each command brings about: pure functions; no I/O, no clock, no SQL.

Importing this package registers them all. The order of the commands here is the order in which the help lists them.
"""

# ruff: isort: off
from handlers import (
    help,
    status,
    adoption,
    triage,
    answers,
    estimates,
    approvals,
    moves,
    endings,
    delivery_prep,
    comments,
    issues,
    submissions,
    parked,
    clocks,
)

__all__ = [
    "adoption",
    "answers",
    "approvals",
    "clocks",
    "comments",
    "delivery_prep",
    "endings",
    "estimates",
    "help",
    "issues",
    "moves",
    "parked",
    "status",
    "submissions",
    "triage",
]
