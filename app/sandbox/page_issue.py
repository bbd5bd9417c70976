"""The page of one issue: what it says, what happened to it, and what the bot was told of it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from app.sandbox.page_board import PROCESS_LABELS
from app.sandbox.page_deliveries import Deliveries
from app.sandbox.page_frame import Flash, Frame, Visit, spoken
from app.sandbox.page_markdown import render_markdown
from app.sandbox.page_questions import open_answers
from app.sandbox.page_references import ISSUES_PATH
from app.sandbox.page_timeline import OFFERED_REACTIONS, reactions, timeline
from app.sandbox.page_views import IssueRow, actors, issue_row, known_to, label_chip, may_sort
from app.sandbox.records import Issue, User
from app.sandbox.refusals import Refused
from app.sandbox.state import PROJECT_PATH
from app.sandbox.world import World

ISSUE_PATH: Final = f"{ISSUES_PATH}/{{iid:int}}"
MOST_DELIVERIES: Final = 5
_LINK_WORDS: Final = {"relates_to": "relates to", "blocks": "blocks", "is_blocked_by": "is blocked by"}
_MIRRORED: Final = {"blocks": "is_blocked_by", "is_blocked_by": "blocks"}


@dataclass(frozen=True, slots=True)
class LinkedRow:
    """An issue at the other end of a link."""

    link_id: int
    kind: str
    issue: IssueRow


class IssuePage:
    """Shows an issue, also again after a form on it was refused."""

    def __init__(self, frame: Frame, deliveries: Deliveries) -> None:
        self._frame = frame
        self._deliveries = deliveries

    def routes(self) -> Sequence[BaseRoute]:
        """The page under its own address and the two others that lead to it."""

        def lead_on(visit: Visit) -> Response:
            return RedirectResponse(f"{ISSUES_PATH}/{visit.number('iid')}", 303)

        return [
            self._frame.reading(ISSUE_PATH, self.show),
            # Newer GitLab versions call an issue a work item.
            self._frame.reading(f"/{PROJECT_PATH}/-/work_items/{{iid:int}}", lead_on),
            # Where a refused form leaves the browser; reloading asks for it.
            self._frame.reading(f"{ISSUE_PATH}/{{rest:path}}", lead_on),
        ]

    def show(self, visit: Visit) -> Response:
        """The page of an issue."""
        return self._page(visit, status=200, flash=None)

    def show_again(self, visit: Visit, refusal: Refused) -> Response:
        """The page with the refusal on it and the words of the form kept."""
        return self._page(visit, status=refusal.status, flash=Flash("refused", spoken(refusal, visit)))

    def _page(self, visit: Visit, *, status: int, flash: Flash | None) -> Response:
        world, user = visit.world, visit.user
        with world.lock:
            issue = world.visible_issue(user, visit.number("iid"))
            known = known_to(world, user)
            may_update = world.can_update(user, issue)
            live_path = f"{ISSUES_PATH}/{issue.iid}" if may_update else None
            description = issue.description or ""
            values: dict[str, Any] = {
                "issue": issue_row(world, user, issue),
                "description": render_markdown(description, known, live_path=live_path),
                "digest": digest(issue),
                "edited_at": issue.last_edited_at,
                "entries": timeline(world, user, issue.iid, known),
                "reactions": reactions(world, user, world.reactions(user, issue.iid)),
                "linked": linked_rows(world, user, issue),
                "labels": [label_chip(label) for label in world.labels_of(issue)],
                "made_labels": sorted(label.title for label in world.labels.values()),
            }
        return self._frame.page(
            visit,
            "issue.html",
            status=status,
            flash=flash,
            people=actors(world),
            deliveries=self._deliveries.of_issue(user, issue.iid, most=MOST_DELIVERIES),
            offered_labels=sorted({*PROCESS_LABELS, *values["made_labels"]}),
            has_hooks=bool(world.hooks),
            may_update=may_update,
            may_sort=may_sort(world, user),
            has_questions=may_update and bool(open_answers(description)),
            draft=visit.field("body"),
            offered=OFFERED_REACTIONS,
            **values,
        )


def linked_rows(world: World, user: User, issue: Issue) -> list[LinkedRow]:
    """The issues linked to this one, as seen from it."""
    rows = []
    for link in world.links_of(user, issue.iid):
        is_source = link.source_iid == issue.iid
        other = world.issue(link.target_iid if is_source else link.source_iid)
        kind = link.link_type if is_source else _MIRRORED.get(link.link_type, link.link_type)
        rows.append(LinkedRow(link.id, _LINK_WORDS[kind], issue_row(world, user, other)))
    return rows


def digest(issue: Issue) -> str:
    """A word for the present title and description, so that an edit of older ones is noticed."""
    text = f"{issue.title}\n{issue.description or ''}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
