"""Messages of the chat by engagement, channel and topic. Every function works inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from app.actions import PostMessage
from app.snapshot import ChatPost
from app.store.schema import chat_posts


def of_engagement(connection: Connection, ident: str) -> tuple[ChatPost, ...]:
    """What was said of an engagement."""
    rows = connection.execute(select(chat_posts).where(chat_posts.c.engagement_id == ident))
    return tuple(ChatPost(r.channel, r.topic, r.place, r.ts, r.digest, r.is_open) for r in rows)


def keep(connection: Connection, action: PostMessage, evidence: Mapping[str, Any]) -> None:
    """Know what a message says now, and which one it is as far as the vendor told."""
    row = {
        "engagement_id": action.engagement,
        "channel": action.channel,
        "topic": action.topic,
        "place": evidence.get("place"),
        "ts": evidence.get("ts"),
        "digest": action.digest,
        "is_open": action.is_open,
    }
    connection.execute(_KEPT[connection.dialect.name], row)


def _kept(insertion: postgresql.Insert | sqlite.Insert) -> Any:
    said = {name: insertion.excluded[name] for name in ("place", "ts", "digest", "is_open")}
    return insertion.on_conflict_do_update(index_elements=["engagement_id", "channel", "topic"], set_=said)


_KEPT = {"sqlite": _kept(sqlite.insert(chat_posts)), "postgresql": _kept(postgresql.insert(chat_posts))}
