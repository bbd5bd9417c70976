"""REST: comments, threads and the reactions to comments."""

from __future__ import annotations

from typing import Any

from app.sandbox.notes import Commented
from app.sandbox.paging import paged
from app.sandbox.records import Issue, Note
from app.sandbox.rest_shapes import award_json, note_json
from app.sandbox.routing import Answer, Call, Routes, check_project

routes = Routes()
NOTES = "/projects/{project}/issues/{iid}/notes"
THREADS = "/projects/{project}/issues/{iid}/discussions"


@routes.on("GET", NOTES)
def list_notes(call: Call) -> Answer:
    """The comments of an issue, newest first by default."""
    order = call.choice("order_by", ("created_at", "updated_at"), default="created_at")
    descending = call.choice("sort", ("asc", "desc"), default="desc") == "desc"
    kinds = ("all_notes", "only_comments", "only_activity")
    is_activity = call.choice("activity_filter", kinds, default="all_notes") == "only_activity"
    notes = [note for note in call.world.visible_notes(call.user, _issue(call).iid) if note.system or not is_activity]
    notes.sort(key=lambda note: (getattr(note, order), note.id), reverse=descending)
    return paged(call, notes, lambda note: note_json(call.world, note))


@routes.on("POST", NOTES)
def create_note(call: Call) -> Answer:
    """Comment on an issue; 202 and no id when the comment was commands only."""
    internal = call.flag("internal") or call.flag("confidential")
    return _commented(call, call.world.add_note(call.user, _issue(call).iid, _body(call), internal=internal))


@routes.on("GET", NOTES + "/{note}")
def read_note(call: Call) -> Answer:
    """One comment."""
    return Answer(200, note_json(call.world, _note(call)))


@routes.on("PUT", NOTES + "/{note}")
def edit_note(call: Call) -> Answer:
    """Change a comment."""
    told = call.world.edit_note(call.user, _issue(call).iid, call.number("note"), _body(call))
    return _commented(call, told, status=200)


@routes.on("DELETE", NOTES + "/{note}")
def delete_note(call: Call) -> Answer:
    """Delete a comment."""
    call.world.delete_note(call.user, _issue(call).iid, call.number("note"))
    return Answer(204)


@routes.on("GET", NOTES + "/{note}/award_emoji")
def list_note_reactions(call: Call) -> Answer:
    """The reactions to a comment."""
    rows = call.world.reactions(call.user, _issue(call).iid, note_id=call.number("note"))
    return paged(call, rows, lambda award: award_json(call.world, award))


@routes.on("POST", NOTES + "/{note}/award_emoji")
def react_to_note(call: Call) -> Answer:
    """React to a comment."""
    iid, note_id = _issue(call).iid, call.number("note")
    award = call.world.react(call.user, iid, str(call.required("name")), note_id=note_id)
    return Answer(201, award_json(call.world, award))


@routes.on("DELETE", NOTES + "/{note}/award_emoji/{award}")
def unreact_to_note(call: Call) -> Answer:
    """Take back a reaction to a comment."""
    _note(call)
    call.world.unreact(call.user, _issue(call).iid, call.number("award"))
    return Answer(204)


@routes.on("GET", THREADS)
def list_discussions(call: Call) -> Answer:
    """The threads of an issue, oldest first."""
    names = dict.fromkeys(note.discussion_id for note in call.world.visible_notes(call.user, _issue(call).iid))
    return paged(call, list(names), lambda name: _thread_json(call, name))


@routes.on("POST", THREADS)
def create_discussion(call: Call) -> Answer:
    """Begin a thread."""
    iid = _issue(call).iid
    told = call.world.add_note(call.user, iid, _body(call), internal=call.flag("internal"))
    if told.note is None:
        return _commented(call, told)
    told.note.type = "DiscussionNote"
    return Answer(201, _thread_json(call, told.note.discussion_id))


@routes.on("GET", THREADS + "/{discussion}")
def read_discussion(call: Call) -> Answer:
    """One thread."""
    return Answer(200, _thread_json(call, call.parts["discussion"]))


@routes.on("POST", THREADS + "/{discussion}/notes")
def reply(call: Call) -> Answer:
    """Reply in a thread; a reply to a plain comment makes it one."""
    iid, name = _issue(call).iid, call.parts["discussion"]
    return _commented(call, call.world.add_note(call.user, iid, _body(call), in_discussion=name))


def _issue(call: Call) -> Issue:
    check_project(call.parts["project"])
    return call.world.visible_issue(call.user, call.number("iid"))


def _note(call: Call) -> Note:
    return call.world.note(call.user, _issue(call).iid, call.number("note"))


def _body(call: Call) -> str:
    return str(call.required("body"))


def _commented(call: Call, told: Commented, *, status: int = 201) -> Answer:
    if told.note is None:
        return Answer(202, {"commands_changes": told.commands_changes, "summary": told.summary})
    return Answer(status, note_json(call.world, told.note, commands_changes=told.commands_changes))


def _thread_json(call: Call, name: str) -> dict[str, Any]:
    thread = call.world.discussion(_issue(call).iid, name)
    return {
        "id": name,
        "individual_note": thread[0].type is None,
        "notes": [note_json(call.world, note) for note in thread],
    }
