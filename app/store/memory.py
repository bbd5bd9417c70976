"""What deciding has to know that only the store remembers: commands heard, what came in, all engagements."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from app.engagement import Engagement, stored_engagement
from app.registry import Listened
from app.snapshot import ChatPost, Happening, Heard
from app.store import chat_posts, opportunities, outbox, swept
from app.store.schema import DeliveryState, commands_heard, deliveries, engagements, journal

T = TypeVar("T")

MOST_LOOKED_AT = 20_000
"""Of the newest deliveries: they have no index by engagement, which would slow down every acknowledgement."""

WHOLE: Final = "whole"
"""When the database was last known to lack no engagement. 0: it may lack some. None: nobody has looked yet."""

_NEWLY_HEARD = {
    "sqlite": sqlite.insert(commands_heard).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(commands_heard).on_conflict_do_nothing(),
}


class Read(Protocol):
    """Runs a question on a reading connection, as `Store.read` does."""

    def __call__(self, do: Callable[[Connection], T]) -> T:
        """The answer."""


@dataclass(frozen=True, slots=True)
class StoreMemory:
    """Reads beside the writer. Implements snapshot.Memory."""

    read: Read

    def heard(self, note_id: int) -> Heard:
        """What was heard of a comment."""
        query = select(commands_heard.c.digest, commands_heard.c.was_carried_out, commands_heard.c.was_refused)
        rows = self.read(lambda c: c.execute(query.where(commands_heard.c.note_id == note_id)).all())
        return Heard(
            carried_out=frozenset(row.digest for row in rows if row.was_carried_out),
            foreign=frozenset(row.digest for row in rows if not row.was_carried_out),
            refused=frozenset(row.digest for row in rows if row.was_refused),
        )

    def happenings(self, lane: str, most: int) -> tuple[Happening, ...]:
        """The last things that came in for an engagement, newest first; the bot's own writes are left out."""
        return self.read(lambda c: tuple(_happenings(c, lane, most)))

    def engagements(self, most: int) -> tuple[Engagement, ...]:
        """All engagements, the last changed first."""
        query = select(engagements).order_by(engagements.c.updated_at.desc()).limit(most)
        rows = self.read(lambda c: c.execute(query).all())
        return tuple(stored_engagement(row.id, row.submission, row.record) for row in rows)

    def knows(self, ident: str) -> bool:
        """Whether there is an engagement of this id."""
        return self.read(lambda c: outbox.engagement(c, ident)) is not None

    def owner_of(self, iid: int) -> str | None:
        """The engagement that an issue belongs to."""
        return self.read(lambda c: outbox.lane_of_issue(c, iid))

    def engagement(self, ident: str) -> Engagement | None:
        """The engagement of this id."""
        return self.read(lambda c: outbox.engagement(c, ident))

    def owner_of_opportunity(self, key: str) -> str | None:
        """The engagement that an opportunity of Salesforce belongs to."""
        return self.read(lambda c: opportunities.owner(c, key))

    def joined_to(self, submission: str) -> str | None:
        """The engagement of another id that a submission went to."""
        return self.read(lambda c: opportunities.joined_to(c, submission))

    def chat_posts(self, ident: str) -> tuple[ChatPost, ...]:
        """What was said of an engagement in the chat."""
        return self.read(lambda c: chat_posts.of_engagement(c, ident))

    def is_whole(self) -> bool:
        """Whether it was held against GitLab, to the end."""
        return bool(self.read(lambda c: swept.mark(c, WHOLE)))


def listen(connection: Connection, listened: Listened, *, delivery_id: int, now: float) -> None:
    """Note which commands of a comment were heard; what was noted before stays."""
    rows = [
        {
            "note_id": listened.note_id,
            "digest": digest,
            "delivery_id": delivery_id,
            "was_carried_out": is_done,
            "was_refused": digest in listened.refused,
            "at": now,
        }
        for digests, is_done in ((listened.carried_out, True), (listened.foreign, False))
        for digest in sorted(digests)
    ]
    if rows:
        connection.execute(_NEWLY_HEARD[connection.dialect.name], rows)
    if listened.forgiven:
        of_note = (commands_heard.c.note_id == listened.note_id, commands_heard.c.digest.in_(listened.forgiven))
        connection.execute(update(commands_heard).where(*of_note).values(was_refused=False))


def _happenings(connection: Connection, lane: str, most: int) -> list[Happening]:
    newest = select(func.max(deliveries.c.id) - MOST_LOOKED_AT).scalar_subquery()
    query = (
        select(deliveries.c.id, deliveries.c.kind, deliveries.c.received_at, deliveries.c.state, deliveries.c.reason)
        .where(deliveries.c.lane == lane, deliveries.c.id > newest, deliveries.c.body.is_not(None))
        .order_by(deliveries.c.id.desc())
        .limit(most)
    )
    found = []
    for row in connection.execute(query):
        entries = connection.execute(
            select(journal.c.entry).where(journal.c.delivery_id == row.id).order_by(journal.c.id)
        )
        because = [reason for entry in entries for reason in json.loads(entry.entry).get("because", ())]
        if row.state != DeliveryState.IGNORED or row.reason:
            found.append(Happening(row.received_at, row.kind, row.state, row.reason, tuple(because)))
    return found
