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
    confidence,
    delivery_prep,
    meetings,
    comments,
    issues,
    submissions,
    parked,
    clocks,
    digest,
    announcements,
    presses,
    mail,
    opportunities,
    salesforce_approvals,
    salesforce_fields,
)

__all__ = [
    "adoption",
    "announcements",
    "answers",
    "approvals",
    "clocks",
    "comments",
    "confidence",
    "delivery_prep",
    "digest",
    "endings",
    "estimates",
    "help",
    "issues",
    "mail",
    "meetings",
    "moves",
    "opportunities",
    "parked",
    "presses",
    "salesforce_approvals",
    "salesforce_fields",
    "status",
    "submissions",
    "triage",
]
