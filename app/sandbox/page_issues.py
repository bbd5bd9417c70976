"""The list of issues, and writing: a new issue, an issue's title and description, a comment again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from starlette.responses import Response
from starlette.routing import BaseRoute

from app.sandbox.interpret import IssueFields
from app.sandbox.page_frame import Flash, Frame, Visit, go, spoken
from app.sandbox.page_issue import ISSUE_PATH, digest
from app.sandbox.page_issue_forms import back, told
from app.sandbox.page_references import ISSUES_PATH, chip
from app.sandbox.page_views import IssueRow, label_chip, visible_rows
from app.sandbox.records import AccessLevel
from app.sandbox.refusals import Refused, forbidden

STATES: Final = {"opened": "Open", "closed": "Closed", "all": "All"}


def issues_routes(frame: Frame) -> Sequence[BaseRoute]:
    """The list and the pages on which texts are written; they come before the page of an issue."""
    writing = _Writing(frame)
    return [
        frame.reading(ISSUES_PATH, lambda visit: _show_list(frame, visit)),
        frame.reading(f"{ISSUES_PATH}/new", writing.show_new),
        frame.writing(ISSUES_PATH, writing.create, otherwise=writing.show_new_again),
        frame.reading(f"{ISSUE_PATH}/edit", writing.show_edit),
        frame.writing(ISSUE_PATH, writing.edit, otherwise=writing.show_edit_again),
        frame.reading(f"{ISSUE_PATH}/notes/{{note:int}}/edit", writing.show_comment),
        frame.writing(f"{ISSUE_PATH}/notes/{{note:int}}", writing.edit_comment, otherwise=writing.show_comment_again),
    ]


def _show_list(frame: Frame, visit: Visit) -> Response:
    world = visit.world
    state = visit.query("state") if visit.query("state") in STATES else "opened"
    title, search = visit.query("label"), visit.query("search").strip()
    found = [row for row in visible_rows(world, visit.user) if _matches(row, title, search)]
    with world.lock:
        chips = {label.title: label_chip(label) for label in world.labels.values()}
    return frame.page(
        visit,
        "issues.html",
        rows=[row for row in found if state == "all" or row.is_open is (state == "opened")],
        states=STATES,
        state=state,
        counts=_counts(found),
        label=(chips.get(title) or chip(title)) if title else None,
        search=search,
    )


def _matches(row: IssueRow, title: str, search: str) -> bool:
    is_found = not search or search.lower() in row.title.lower() or search.removeprefix("#") == str(row.iid)
    return is_found and (not title or row.has_label(title))


def _counts(rows: Iterable[IssueRow]) -> dict[str, int]:
    opened = [row.is_open for row in rows]
    return {"opened": sum(opened), "closed": len(opened) - sum(opened), "all": len(opened)}


class _Writing:
    """The pages with a large text field; a refused text comes back as it was typed."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    # A new issue

    def show_new(self, visit: Visit) -> Response:
        """An empty form; as on GitLab, `?issue[title]=…&issue[description]=…` fills it in."""
        title = visit.query("issue[title]")
        text = visit.query("issue[description]")
        is_confidential = visit.query("issue[confidential]").lower() in {"1", "true"}
        return self._new(visit, title=title, text=text, is_confidential=is_confidential)

    def show_new_again(self, visit: Visit, refusal: Refused) -> Response:
        """The form as it was sent, with the reason."""
        flash, is_confidential = Flash("refused", spoken(refusal, visit)), bool(visit.field("confidential"))
        title, text = visit.field("title"), visit.form.get("description", "")
        return self._new(
            visit, title=title, text=text, is_confidential=is_confidential, flash=flash, status=refusal.status
        )

    def _new(
        self,
        visit: Visit,
        *,
        title: str,
        text: str,
        is_confidential: bool,
        flash: Flash | None = None,
        status: int = 200,
    ) -> Response:
        return self._frame.page(
            visit,
            "issue_new.html",
            status=status,
            flash=flash,
            title=title,
            text=text,
            is_confidential=is_confidential,
        )

    def create(self, visit: Visit) -> Response:
        """Make the issue."""
        issue = visit.world.create_issue(
            visit.user,
            title=visit.field("title"),
            description=visit.form.get("description", ""),
            confidential=bool(visit.field("confidential")),
        )
        return go(f"{ISSUES_PATH}/{issue.iid}", said=f"Created #{issue.iid}.")

    # Title and description

    def show_edit(self, visit: Visit) -> Response:
        """The form with the present texts."""
        with visit.world.lock:
            issue = visit.world.visible_issue(visit.user, visit.number("iid"))
            if not visit.world.can_update(visit.user, issue):
                raise forbidden()
            title, text, was = issue.title, issue.description or "", digest(issue)
        return self._frame.page(visit, "issue_edit.html", iid=issue.iid, title=title, text=text, was=was)

    def show_edit_again(self, visit: Visit, refusal: Refused) -> Response:
        """The form as it was sent; sending it once more overwrites what came in between."""
        with visit.world.lock:
            was = digest(visit.world.visible_issue(visit.user, visit.number("iid")))
        return self._frame.page(
            visit,
            "issue_edit.html",
            status=refusal.status,
            flash=Flash("refused", spoken(refusal, visit)),
            iid=visit.number("iid"),
            title=visit.field("title"),
            text=visit.form.get("description", ""),
            was=was,
        )

    def edit(self, visit: Visit) -> Response:
        """Write title and description, unless somebody else did meanwhile."""
        world, iid = visit.world, visit.number("iid")
        fields = IssueFields(title=visit.field("title"), description=visit.form.get("description", ""))
        with world.lock:
            if visit.field("was") != digest(world.visible_issue(visit.user, iid)):
                reason = "Somebody changed this issue while you were writing. Save again to put your text in its place."
                raise Refused(409, {"message": reason})
            world.update_issue(visit.user, iid, **fields)
        return back(visit, "Saved.")

    # A comment

    def show_comment(self, visit: Visit) -> Response:
        """The form with the text of a comment."""
        with visit.world.lock:
            note = visit.world.note(visit.user, visit.number("iid"), visit.number("note"))
            if note.author_id != visit.user.id and visit.world.level(visit.user) < AccessLevel.MAINTAINER:
                raise forbidden()
            text = note.body
        return self._comment(visit, text)

    def show_comment_again(self, visit: Visit, refusal: Refused) -> Response:
        """The form as it was sent, with the reason."""
        flash = Flash("refused", spoken(refusal, visit))
        return self._comment(visit, visit.form.get("body", ""), flash=flash, status=refusal.status)

    def _comment(self, visit: Visit, text: str, *, flash: Flash | None = None, status: int = 200) -> Response:
        iid, note = visit.number("iid"), visit.number("note")
        return self._frame.page(visit, "comment_edit.html", status=status, flash=flash, iid=iid, note=note, text=text)

    def edit_comment(self, visit: Visit) -> Response:
        """Change the comment; its new quick actions are carried out."""
        iid, note = visit.number("iid"), visit.number("note")
        outcome = visit.world.edit_note(visit.user, iid, note, visit.form.get("body", ""))
        return back(visit, told(outcome), anchor=f"#note_{note}" if outcome.note else "")
