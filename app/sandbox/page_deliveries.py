"""The page of webhook deliveries: what the sandbox told the bot, and how the bot answered.

GitLab shows its delivery log to Maintainers only. Here everybody may look, so that a newcomer sees a comment reach the
bot, but only of what this person may read; sending again stays with the Maintainer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from starlette.responses import Response
from starlette.routing import BaseRoute

from app.sandbox.clockwork import words
from app.sandbox.page_frame import Frame, Visit, go
from app.sandbox.page_views import PersonView, person_view
from app.sandbox.records import AccessLevel, HookLog, User
from app.sandbox.refusals import not_found
from app.sandbox.state import PROJECT_PATH
from app.sandbox.world import World

HOOKS_PATH: Final = f"/{PROJECT_PATH}/-/hooks"
PER_PAGE: Final = 30
LONGEST_EXCERPT: Final = 70
_UNSEEN: Final = re.compile(r"<!--.*?-->", re.DOTALL)
"""What GitLab shows nobody, such as the bot's markers."""
_BOOKKEEPING: Final = frozenset(
    words("closed_at last_edited_at last_edited_by_id relative_position updated_at updated_by_id")
)


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """One delivery in few words; `iid` and `by` are None where the body names none."""

    id: int
    hook_id: int
    at: datetime
    event: str
    action: str
    detail: str
    iid: int | None
    is_internal: bool
    by: PersonView | None
    url: str
    status: int | None
    error: str
    duration_ms: int

    @property
    def is_success(self) -> bool:
        """Whether GitLab takes the answer for a success."""
        return self.status is not None and self.status < 400

    @property
    def answer(self) -> str:
        """The status, or why there is none."""
        return "no answer" if self.status is None else str(self.status)


class Deliveries:
    """The delivery log of a world as rows; bodies are read once."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._read: dict[int, DeliveryRow] = {}

    def rows(self, user: User) -> list[DeliveryRow]:
        """The deliveries this user may know of, newest first; those on their way are not among them yet."""
        with self._world.lock:
            logs = self._world.hook_logs
            for number in self._read.keys() - logs.keys():
                del self._read[number]
            for number, entry in logs.items():
                if number not in self._read:
                    self._read[number] = self._row(entry)
            rows = [self._read[number] for number in reversed(logs)]
            return [row for row in rows if self._may_read(user, row)]

    def of_issue(self, user: User, iid: int, *, most: int) -> list[DeliveryRow]:
        """The newest deliveries that tell of this issue."""
        return [row for row in self.rows(user) if row.iid == iid][:most]

    def _may_read(self, user: User, row: DeliveryRow) -> bool:
        if self._world.level(user) >= AccessLevel.PLANNER:
            return True
        issue = self._world.issues.get(row.iid or 0)
        return issue is not None and not row.is_internal and self._world.can_see(user, issue)

    def _row(self, entry: HookLog) -> DeliveryRow:
        body = _read_body(entry.request_body)
        subject = body.get("issue") or body.get("object_attributes") or {}
        username = str((body.get("user") or {}).get("username", ""))
        people = {user.username: user for user in self._world.users.values()}
        return DeliveryRow(
            id=entry.id,
            hook_id=entry.hook_id,
            at=entry.created_at,
            event=entry.request_headers.get("X-Gitlab-Event", entry.trigger),
            action=str((body.get("object_attributes") or {}).get("action") or body.get("event_type") or ""),
            detail=_detail(body),
            iid=subject.get("iid") if isinstance(subject.get("iid"), int) else None,
            is_internal=bool((body.get("object_attributes") or {}).get("internal")),
            by=person_view(self._world, people[username]) if username in people else None,
            url=entry.url,
            status=entry.response_status,
            error=entry.error or "",
            duration_ms=round(entry.duration_s * 1_000),
        )


def _read_body(raw: bytes) -> dict[str, Any]:
    body = json.loads(raw)
    return body if isinstance(body, dict) else {}


def _detail(body: Mapping[str, Any]) -> str:
    """What an issue's update changed, or how a comment begins."""
    if body.get("object_kind") == "note":
        note = str((body.get("object_attributes") or {}).get("note") or "")
        note = " ".join(_UNSEEN.sub(" ", note).split())
        return note if len(note) <= LONGEST_EXCERPT else f"{note[:LONGEST_EXCERPT]}…"
    if (body.get("object_attributes") or {}).get("action") == "open":
        return ""
    names = [name.removesuffix("_id") for name in body.get("changes") or {} if name not in _BOOKKEEPING]
    return ", ".join(names).replace("_", " ") or "nothing changed"


def delivery_routes(frame: Frame, deliveries: Deliveries) -> Sequence[BaseRoute]:
    """The list of deliveries, one delivery, and sending it again."""

    def show_list(visit: Visit) -> Response:
        rows = deliveries.rows(visit.user)
        number = int(visit.query("page")) if visit.query("page").isdecimal() and len(visit.query("page")) < 6 else 1
        pages = max(1, -(-len(rows) // PER_PAGE))
        number = min(max(number, 1), pages)
        with visit.world.lock:
            hooks = [(hook, visit.world.alert_status(hook)) for hook in visit.world.hooks.values()]
        shown = rows[(number - 1) * PER_PAGE : number * PER_PAGE]
        return frame.page(
            visit, "deliveries.html", rows=shown, total=len(rows), hooks=hooks, number=number, pages=pages
        )

    def show_one(visit: Visit) -> Response:
        entry = _entry(visit)
        row = next((row for row in deliveries.rows(visit.user) if row.id == entry.id), None)
        if row is None:
            raise not_found("Delivery Not Found")
        return frame.page(
            visit,
            "delivery.html",
            row=row,
            entry=entry,
            body=json.dumps(_read_body(entry.request_body), indent=2, ensure_ascii=False),
            may_resend=visit.world.level(visit.user) >= AccessLevel.MAINTAINER,
        )

    def resend(visit: Visit) -> Response:
        entry = _entry(visit)
        visit.world.resend(visit.user, entry.hook_id, entry.id)
        return go(HOOKS_PATH, said="Sent again, with the same Idempotency-Key.")

    one = f"{HOOKS_PATH}/{{hook:int}}/hook_logs/{{log:int}}"
    return [
        frame.reading(HOOKS_PATH, show_list),
        frame.reading(one, show_one),
        frame.writing(f"{one}/retry", resend),
    ]


def _entry(visit: Visit) -> HookLog:
    entry = visit.world.hook_logs.get(visit.number("log"))
    if entry is None or entry.hook_id != visit.number("hook"):
        raise not_found("Delivery Not Found")
    return entry
