"""A dead letter, told as an event of its own: so that whoever asked for something hears that it was not done.

The event is stored with the end of the delivery that it tells of, in one commit, and is worked on like any other. It
holds what the words need and no more: a parked delivery may be 25 MiB.
"""

from __future__ import annotations

from typing import Any, Final

import orjson

from app.events import NOT_ASKED, PARKED, UNDELIVERED, Source, read_payload
from app.salesforce_events import WISHES

NOTE_FIELDS: Final = ("id", "action", "author_id", "note", "internal", "system", "created_at", "updated_at")
ISSUE_FIELDS: Final = ("iid", "action", "author_id")


def parked_body(
    *,
    delivery: int,
    source: Source,
    body: bytes,
    kind: str,
    reason: str | None,
    at: float,
    is_over: bool,
    is_deadly: bool,
) -> bytes | None:
    """The body of the event; None where there is nobody to tell: it is about no issue, or is such an event itself.

    `is_over`: the delivery was run again and is no dead letter any more. `is_deadly`: the process died of it, maybe of
    its words; so they are left out, or what tells of it would die of them as well.
    """
    of = _slim(source, body, has_words=not is_deadly)
    if of is None or kind == PARKED:
        return None
    event = {
        "object_kind": PARKED,
        "delivery": delivery,
        "reason": reason or "",
        "at": at,
        "is_over": is_over,
        "is_deadly": is_deadly,
    }
    return orjson.dumps({**event, "of": of})


def _slim(source: Source, body: bytes, *, has_words: bool) -> dict[str, Any] | None:
    if source is Source.CALCULATOR:
        return {"object_kind": "submission"}
    payload = read_payload(body)
    if source is Source.SALESFORCE:
        what = WISHES.get(str(payload.get("object_kind")))
        engagement, field = payload.get("engagement"), payload.get("field")
        return {"object_kind": NOT_ASKED, "engagement": engagement, "what": str(field or what)} if what else None
    if source is Source.MAIL:
        about = {each: str(payload.get(each, "")) for each in ("engagement", "issue", "name")}
        return {"object_kind": UNDELIVERED, **about} if all(about.values()) else None
    held = payload.get("object_attributes")
    kind = payload.get("object_kind")
    if not isinstance(held, dict) or kind not in {"issue", "work_item", "note"}:
        return None
    fields: tuple[str, ...] = NOTE_FIELDS if kind == "note" else ISSUE_FIELDS
    if not has_words:
        fields = tuple(name for name in fields if name != "note")
    slim = {"object_kind": kind, "object_attributes": {name: held[name] for name in fields if name in held}}
    for name, wanted in (("user", ("id", "username")), ("issue", ("iid",))):
        part = payload.get(name)
        if isinstance(part, dict):
            slim[name] = {each: part[each] for each in wanted if each in part}
    return slim
