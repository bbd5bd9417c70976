"""What the forms on the page of an issue do; each acts through the world with the rights of the person chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Final

from starlette.responses import Response
from starlette.routing import BaseRoute

from app.sandbox.interpret import IssueFields
from app.sandbox.notes import Commented
from app.sandbox.page_frame import Frame, Visit, go
from app.sandbox.page_issue import ISSUE_PATH, IssuePage, digest
from app.sandbox.page_markdown import toggled_task
from app.sandbox.page_references import ISSUES_PATH
from app.sandbox.refusals import Refused

_STATES: Final = {"close": "Closed.", "reopen": "Opened again."}
UNCHANGED: Final = "Nothing changed. GitLab leaves out in silence what a role may not set."


def form_routes(frame: Frame, issue_page: IssuePage) -> Sequence[BaseRoute]:
    """One route for each form; where the world refuses, the issue is shown again with the reason."""
    forms: dict[str, Callable[[Visit], Response]] = {
        "notes": _comment,
        "notes/{note:int}/delete": _delete_comment,
        "labels": _change_labels,
        "assignee": _assign,
        "due": _set_due,
        "confidential": _set_confidential,
        "state": _set_state,
        "links": _link,
        "links/{link:int}/delete": _unlink,
        "reactions": _react,
        "tasks": _toggle_task,
    }
    return [frame.writing(f"{ISSUE_PATH}/{path}", act, otherwise=issue_page.show_again) for path, act in forms.items()]


def back(visit: Visit, said: str = "", *, mood: str = "done", anchor: str = "") -> Response:
    """Lead back to the issue."""
    return go(f"{ISSUES_PATH}/{visit.number('iid')}{anchor}", said=said, mood=mood)


def told(outcome: Commented) -> str:
    """What GitLab says about the quick actions of a comment."""
    return " ".join(outcome.summary)


def _comment(visit: Visit) -> Response:
    iid, body = visit.number("iid"), visit.form.get("body", "")
    event = visit.field("then")
    if not body.strip():
        if event in _STATES:
            return _set_state(visit)
        raise Refused(400, {"message": "Write something first."})
    outcome = visit.world.add_note(visit.user, iid, body, internal=bool(visit.field("internal")))
    if event in _STATES:
        visit.world.update_issue(visit.user, iid, state_event=event)
    anchor = f"#note_{outcome.note.id}" if outcome.note else ""
    return back(visit, told(outcome), anchor=anchor)


def _delete_comment(visit: Visit) -> Response:
    visit.world.delete_note(visit.user, visit.number("iid"), visit.number("note"))
    return back(visit, "Comment deleted.")


def _change_labels(visit: Visit) -> Response:
    world, iid = visit.world, visit.number("iid")
    before = world.label_titles(world.visible_issue(visit.user, iid))
    fields = IssueFields()
    if visit.field("add"):
        fields["add_labels"] = [visit.field("add")]
    if visit.field("remove"):
        fields["remove_labels"] = [visit.field("remove")]
    if not fields:
        raise Refused(400, {"message": "Choose a label first."})
    after = world.label_titles(world.update_issue(visit.user, iid, **fields))
    if before != after:
        return back(visit)
    has_it = visit.field("add") in after
    return back(visit, f"It has the label {visit.field('add')} already." if has_it else UNCHANGED, mood="refused")


def _assign(visit: Visit) -> Response:
    username = visit.field("person")
    people = [visit.world.user(username).id] if username else []
    issue = visit.world.update_issue(visit.user, visit.number("iid"), assignee_ids=people)
    return _unless_dropped(visit, is_done=issue.assignee_ids == people)


def _set_due(visit: Visit) -> Response:
    try:
        day = date.fromisoformat(visit.field("due")) if visit.field("due") else None
    except ValueError:
        raise Refused(400, {"message": "The due date must look like 2026-11-30."}) from None
    issue = visit.world.update_issue(visit.user, visit.number("iid"), due_date=day)
    return _unless_dropped(visit, is_done=issue.due_date == day)


def _set_confidential(visit: Visit) -> Response:
    wanted = visit.field("confidential") == "yes"
    issue = visit.world.update_issue(visit.user, visit.number("iid"), confidential=wanted)
    return _unless_dropped(visit, is_done=issue.confidential is wanted)


def _unless_dropped(visit: Visit, *, is_done: bool) -> Response:
    return back(visit) if is_done else back(visit, UNCHANGED, mood="refused")


def _set_state(visit: Visit) -> Response:
    event = visit.field("then")
    if event not in _STATES:
        raise Refused(400, {"message": "state_event does not have a valid value"})
    visit.world.update_issue(visit.user, visit.number("iid"), state_event=event)
    return back(visit, _STATES[event])


def _link(visit: Visit) -> Response:
    visit.world.link_issues(visit.user, visit.number("iid"), visit.whole("target"))
    return back(visit)


def _unlink(visit: Visit) -> Response:
    visit.world.unlink_issues(visit.user, visit.number("iid"), visit.number("link"))
    return back(visit)


def _react(visit: Visit) -> Response:
    """Give a reaction, or take it back when this person gave it before."""
    world, iid, name = visit.world, visit.number("iid"), visit.field("name")
    note_id = visit.whole("note") if visit.field("note") else None
    anchor = f"#note_{note_id}" if note_id else ""
    if not name:
        raise Refused(400, {"message": "Choose a reaction first."})
    given = world.reactions(visit.user, iid, note_id=note_id)
    mine = next((award for award in given if (award.user_id, award.name) == (visit.user.id, name)), None)
    if mine is None:
        world.react(visit.user, iid, name, note_id=note_id)
    else:
        world.unreact(visit.user, iid, mine.id)
    return back(visit, anchor=anchor)


def _toggle_task(visit: Visit) -> Response:
    world, iid = visit.world, visit.number("iid")
    with world.lock:
        issue = world.visible_issue(visit.user, iid)
        if visit.field("was") != digest(issue):
            raise Refused(409, {"message": "The description has changed meanwhile. Look again, then tick the box."})
        text = toggled_task(issue.description or "", visit.whole("line"))
        if text is None:
            raise Refused(400, {"message": "There is no check box in that line."})
        world.update_issue(visit.user, iid, description=text)
    return back(visit)
