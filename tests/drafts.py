"""Submissions and the issues written for them, for tests of the texts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from app.agendas import load_agendas
from app.issue_text import Case, IssueDraft, IssueRef, Playbook, intake_draft, open_case, scoping_draft
from app.methodology import load_methodology
from app.routing import route
from app.sow_template import load_sow_template
from app.submission import Submission, parse_submission
from app.templates import default_template_folder, load_templates

TODAY = date(2026, 3, 2)
NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
EVERYBODY = {"alice": True, "erin": True, "evan": True}


def raw(**changes: Any) -> dict[str, Any]:
    """The smallest submission that is accepted, as decoded JSON; with changes."""
    return {
        "submission_id": "7f1c2a34-5b6d-4e8f-9a0b-1c2d3e4f5a6b",
        "customer_name": "Acme GmbH",
        "requester_gitlab_username": "alice",
        "requester_email": "alice@example.com",
        **changes,
    }


def submitted(**changes: Any) -> Submission:
    """The same, parsed."""
    return parse_submission(raw(**changes), today=TODAY)


@cache
def playbook() -> Playbook:
    """The demo's people with the templates that ship."""
    methodology = load_methodology(Path(str(files("app.sandbox") / "demo-methodology.yaml")))
    folder = default_template_folder()
    return Playbook(
        methodology,
        load_templates(folder),
        agendas=load_agendas(folder, methodology),
        sow_template=load_sow_template(folder),
    )


def scoping(submission: Submission, *, people: Mapping[str, bool] = EVERYBODY, **more: Any) -> IssueDraft:
    """The scoping issue of a submission."""
    return scoping_draft(_case(submission, people, **more), playbook())


def intake(
    submission: Submission, *, beside_scoping: bool = True, people: Mapping[str, bool] = EVERYBODY, **more: Any
) -> IssueDraft:
    """The intake issue of a submission."""
    return intake_draft(_case(submission, people, **more), playbook(), scoping=beside_scoping)


def _case(submission: Submission, people: Mapping[str, bool], **more: Any) -> Case:
    routing = route(submission, playbook().methodology)
    return open_case(submission, playbook(), routing=routing, people=people, now=NOW, **more)


def text_of(draft: IssueDraft) -> str:
    """The description as GitLab gets it, the scoping issue being #12."""
    return "".join("#12" if isinstance(part, IssueRef) else part for part in draft.description)
