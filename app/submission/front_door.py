"""A new opportunity for services as the submission that it is: what Salesforce knows of it, and no more."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from app.submission.choices import SfdcStage, Source
from app.submission.fault import SubmissionFaults
from app.submission.parse import parse_submission

MOST_NAME_CHARS: Final = 200
NOBODY: Final = "salesforce"
"""Who asks where nobody can be told: no mention comes of it unless GitLab knows such a user."""
_NOT_OF_A_NAME: Final = re.compile(r"[^A-Za-z0-9._-]")


def submission_of(ident: str, opportunity: str, values: Mapping[str, str], *, today: date) -> dict[str, Any]:
    """The submission as JSON values, by what was read (names as in `methodology.salesforce.Reads`).

    Who owns the opportunity asks: the name before the @ is taken for the user name in GitLab. What would not pass at
    the calculator's door is left out, since nobody is there to mend it.
    """
    email = values.get("owner_email")
    found = {
        "submission_id": ident,
        "source": Source.SFDC.value,
        "customer_name": values.get("customer") or f"Opportunity {opportunity}",
        "requester_gitlab_username": _username(email),
        "requester_email": email,
        "sfdc_opportunity_url": opportunity,
        "sfdc_parent_opportunity_url": values.get("parent"),
        "sfdc_stage": values.get("stage") if values.get("stage") in set(SfdcStage) else None,
        "close_date": _day(values.get("close_date"), today),
        "customer_folder_url": _folder(values.get("customer_folder")),
        "sales_territory": values.get("territory"),
    }
    return _sound({name: value for name, value in found.items() if value}, today)


def _sound(found: dict[str, Any], today: date) -> dict[str, Any]:
    """Without what the calculator's door would refuse; a name that is too long or of two lines is made to fit."""
    found["customer_name"] = " ".join(str(found["customer_name"]).split())[:MOST_NAME_CHARS]
    try:
        parse_submission(found, defaults={"requester_email": None}, today=today)
    except SubmissionFaults as refused:
        wrong = {fault.field.partition(".")[0] for fault in refused.faults}
        return {name: value for name, value in found.items() if name not in wrong}
    return found


def _username(email: str | None) -> str:
    name = _NOT_OF_A_NAME.sub("", (email or "").partition("@")[0]).strip(".-_")
    return name or NOBODY


def _day(text: str | None, today: date) -> str | None:
    try:
        day = date.fromisoformat((text or "")[:10])
    except ValueError:
        return None
    return day.isoformat() if day >= today else None


def _folder(text: str | None) -> str | None:
    return text if text and re.fullmatch(r"https://[^\s\\@]+", text) else None
