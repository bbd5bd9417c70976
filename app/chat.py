"""Does what is to be done in the chat: finds out what a message is there already, changes it, else says it once.

Where a message may have been sent already and nobody can see whether it was (the bot may not read there, or an incoming
webhook was used), it is taken as sent, and the evidence says so: rather once too few than twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import structlog

from app.actions import TO_A_PERSON, PostMessage, Whisper
from app.chat_message import Called, message_from_record
from app.chat_words import ROOT
from app.errors import Absent, Permanent
from app.ports import Chat
from app.slack_blocks import as_slack_has_it, as_webhook_has_it
from app.slack_people import SlackPeople
from app.slack_text import SlackSafe, foreign, mention
from app.snapshot import ChatPost

CLOCKS_DIFFER_S: Final = 600.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ChatTeller:
    """Performs the actions of the chat. Every method may raise Retry or Permanent.

    `posts`: what was said of an engagement so far. `has_threads`: messages can be changed, answered and found.
    """

    chat: Chat
    people: SlackPeople
    posts: Callable[[str], tuple[ChatPost, ...]]
    has_threads: bool

    def look(self, action: PostMessage, *, sent_at: float) -> Mapping[str, Any] | None:
        """The evidence of an earlier try that took effect, or None."""
        known = self._known(action, action.topic)
        if known is not None:
            return None  # an update, which is safe to repeat
        place = self._place(action)
        if self.has_threads and place is not None:
            sought = self.chat.seek(place, action.mark, thread=self._thread(action), since=sent_at - CLOCKS_DIFFER_S)
            if sought.found is not None:
                return {"place": sought.found.place, "ts": sought.found.ts, "found": True}
            if sought.is_sure:
                return None
        log.warning("chat.taken_as_sent", channel=action.channel, topic=action.topic)
        return {"taken_as_sent": "it may have been, and cannot be looked for"}

    def post(self, action: PostMessage) -> Mapping[str, Any]:
        """Say it, or let what was said read like this."""
        message = message_from_record(action.message)
        lines = message.filled(self._name)
        if not self.has_threads:
            self.chat.post(action.channel, as_webhook_has_it(message, lines), thread=None)
            return {}
        place = self._place(action)
        if place is None:
            return {"not_told": "nobody knows them in the chat"}
        content = as_slack_has_it(message, lines, key=action.mark)
        known = self._known(action, action.topic)
        if known is None:
            posted = self.chat.post(place, content, thread=self._thread(action))
            return {"place": posted.place, "ts": posted.ts}
        if known.place is None or known.ts is None:
            return {"not_updated": "nobody knows which message it is"}
        try:
            self.chat.update(known.place, known.ts, content)
        except Absent as fault:  # somebody has deleted it, and does not want it back
            return {"not_updated": fault.reason}
        return {"place": known.place, "ts": known.ts}

    def whisper(self, action: Whisper) -> Mapping[str, Any]:
        """Tell one person; whoever has left the channel hears nothing."""
        try:
            text = "".join(action.line)
            self.chat.whisper(action.place, action.user, text, thread=action.thread)
        except Permanent as fault:
            return {"not_told": fault.reason}
        return {}

    def _place(self, action: PostMessage) -> str | None:
        """A channel, or the user to tell alone; None where nobody knows who that is."""
        if not action.channel.startswith(TO_A_PERSON):
            return action.channel
        return self._user(Called(action.channel.removeprefix(TO_A_PERSON)))

    def _thread(self, action: PostMessage) -> str | None:
        root = self._known(action, ROOT) if action.is_reply else None
        return None if root is None else root.ts

    def _known(self, action: PostMessage, topic: str) -> ChatPost | None:
        posts = self.posts(action.engagement)
        return next((each for each in posts if (each.channel, each.topic) == (action.channel, topic)), None)

    def _name(self, called: Called) -> SlackSafe:
        """A mention of somebody who is found in Slack; the plain name of who is not."""
        user = self._user(called)
        return foreign(called.username, limit_chars=100) if user is None else mention(user)

    def _user(self, called: Called) -> str | None:
        try:
            return self.people.slack_user(called.username, called.email)
        except Permanent as fault:
            log.warning("chat.nobody_looked_up", reason=fault.reason)
            return None
