"""Where things stand in the estimate workbook: what writes it and what reads it back agree on this."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from openpyxl.utils import get_column_letter

TEMPLATE: Final = "1"
"""Version of the layout; a workbook of another one is not read."""


class Sheet(StrEnum):
    """The sheets, in their order."""

    SUMMARY = "Summary"
    ACTIVITIES = "Activities"
    ROLES = "Roles"
    COST = "Cost and margin"
    CUSTOMER = "Customer"
    ASSUMPTIONS = "Assumptions"
    ABOUT = "About"


ROLE_ROW: Final = 3
"""Keys of the roles, in small grey letters."""
TITLE_ROW: Final = 4
PRICE_ROW: Final = 5
"""Price of an hour of each role; on the sheet of costs what it costs us."""
FIRST_ROW: Final = 6
"""The first activity."""
ROOM: Final = 20
"""Empty lines behind the activities, for what somebody puts in by hand; the formulas reach over them."""
KEY_COLUMN: Final = 1
ACTIVITY_COLUMN: Final = 2
KIND_COLUMN: Final = 3
ROLES_FROM: Final = 4

SHARE_ROW: Final = 15
"""On the summary, in the second column: what is put on top of consulting."""

CONSULTING: Final = "Consulting"
EDUCATION: Final = "Education"
OWN_KEY: Final = "own"
"""Stands for the key of an activity that somebody put in by hand."""

ABOUT_TEMPLATE: Final = "template"
ABOUT_CATALOGUE: Final = "catalogue"
ABOUT_ENGAGEMENT: Final = "engagement"
ABOUT_CURRENCY: Final = "currency"
ABOUT_FORM: Final = "billing"

MOST_LINES: Final = 300


class Columns:
    """The columns on the sheet of activities, for so many roles: by number, and as letters where formulas name them."""

    def __init__(self, roles: int) -> None:
        behind = ROLES_FROM + roles
        self.numbers = {
            name: behind + place for place, name in enumerate(("hours", "sku", "quantity", "unit_price", "price"))
        }
        self.first, self.last = get_column_letter(ROLES_FROM), get_column_letter(behind - 1)
        self.hours, self.quantity, self.unit_price, self.price = (
            get_column_letter(self.numbers[name]) for name in ("hours", "quantity", "unit_price", "price")
        )
