"""GraphQL: the one question that the bot asks in it, since REST does not answer it: whether a comment was edited."""

from __future__ import annotations

import re
from typing import Any

from app.sandbox.clockwork import iso
from app.sandbox.refusals import Refused
from app.sandbox.routing import Answer, Call, Routes

routes = Routes()
PATH = "/api/graphql"
_QUESTION = re.compile(r"\bnote\(id: \$id\) \{ updatedAt lastEditedAt lastEditedBy \{ id \} \}")


@routes.on("POST", PATH)
def answer(call: Call) -> Answer:
    """A comment's last edit. Of one that was never edited GitLab gives `updatedAt` as the time, and nobody as the
    editor."""
    if not _QUESTION.search(str(call.params.get("query"))):
        return Answer(200, {"errors": [{"message": "The sandbox knows no such query"}]})
    variables = call.params.get("variables")
    return Answer(200, {"data": {"note": _note(call, variables if isinstance(variables, dict) else {})}})


def _note(call: Call, variables: dict[str, Any]) -> dict[str, Any] | None:
    number = str(variables.get("id")).removeprefix("gid://gitlab/Note/")
    note = call.world.notes.get(int(number)) if number.isdigit() else None
    if note is None:
        return None
    try:
        call.world.note(call.user, note.issue_iid, note.id)
    except Refused:
        return None
    editor = note.updated_by_id
    return {
        "updatedAt": _second(iso(note.updated_at)),
        "lastEditedAt": _second(iso(note.last_edited_at or note.updated_at)),
        "lastEditedBy": None if editor is None else {"id": f"gid://gitlab/User/{editor}"},
    }


def _second(moment: str | None) -> str:
    return re.sub(r"\.\d+", "", moment or "")
