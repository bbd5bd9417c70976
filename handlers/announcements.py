"""An announcement → what one channel says of the engagement now: the head of its thread, what is new, what is over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from app.actions import Action, PostMessage, Whisper
from app.chat_events import Announced, Whispered
from app.chat_form import ChatForm
from app.chat_message import ChatMessage
from app.chat_words import ROOT, Telling, roles_told
from app.engagement import Engagement
from app.issue_text import Playbook
from app.methodology.model import Methodology
from app.methodology.telling import PUBSEC, Notification
from app.ports import Person
from app.registry import Decision, ignore, registry
from app.snapshot import ChatPost, Needs, Snapshot
from handlers.scene import ACCOUNT_TEAM
from handlers.speech import people_of_roles


def _needs(event: Announced, engagement: Engagement | None, playbook: Playbook, bot: Person) -> Needs:  # noqa: ARG001
    """The people of a role that is held by groups are asked for: in the chat nobody can call a group of GitLab's."""
    methodology = playbook.methodology
    told = {
        role
        for occasion in event.occasions
        for key in methodology.notifications_of.get(occasion, ())
        for role in roles_told(methodology.notifications[key], occasion, methodology)
    }
    roles = {}
    for role in sorted(told):
        if role != ACCOUNT_TEAM and (known := methodology.roles.get(role)) is not None and known.groups:
            roles[role] = known.model_copy(update={"access_level": None})
    return Needs(told=event.engagement, roles=roles)


@registry.on(Announced, needs=_needs)
def on_announced(event: Announced, snapshot: Snapshot, playbook: Playbook, now: datetime) -> Decision:  # noqa: ARG001
    """Bring the channel up to date."""
    engagement, methodology = snapshot.told, playbook.methodology
    channel = methodology.slack.channels.get(event.channel)
    if engagement is None or channel is None or not playbook.chat.is_on:
        return ignore("there is nobody to tell, or nothing to tell of")
    talk = _Talk(event, engagement, channel, snapshot, playbook)
    may_hear = (event.channel == PUBSEC) == engagement.submission.pubsec_us
    actions = tuple(talk.messages() if may_hear else talk.withdrawn())
    if not actions:
        return ignore("the channel says so already")
    return Decision(
        reasons=(f"{event.channel} is told: {', '.join(event.occasions) or 'where it stands'}",), actions=actions
    )


@registry.on(Whispered)
def on_whispered(event: Whispered, snapshot: Snapshot, playbook: Playbook, now: datetime) -> Decision:  # noqa: ARG001
    """Tell one person."""
    said = Whisper(key=event.key, place=event.place, user=event.user, thread=event.thread, line=event.line)
    return Decision(reasons=("somebody is answered in the chat",), actions=(said,))


class _Talk:
    """One channel's messages, as they should read now."""

    def __init__(
        self, event: Announced, engagement: Engagement, channel: str, snapshot: Snapshot, playbook: Playbook
    ) -> None:
        self.event = event
        self.engagement = engagement
        self.channel = channel
        self.rules: Mapping[str, Notification] = playbook.methodology.notifications
        self.rules_of = playbook.methodology.notifications_of
        self.has_threads = playbook.chat.has_threads
        self.posts = {each.topic: each for each in snapshot.chat if each.channel == channel}
        self.telling = Telling(
            engagement=engagement,
            methodology=playbook.methodology,
            people=_people(engagement, snapshot, playbook),
            has_buttons=playbook.chat is ChatForm.BUTTONS,
        )

    def messages(self) -> Iterator[Action]:
        """The head first: what is new stands below it."""
        new = list(self._new())
        if self.has_threads and (new or ROOT in self.posts):
            yield from self._said(ROOT, self.telling.root(), is_reply=False)
        if self.has_threads:
            fresh = {topic for topic, _, _ in new}
            for topic, post in self.posts.items():
                if post.is_open and topic not in fresh and (asked := self._request(topic, fresh)) is not None:
                    yield from self._said(topic, asked[0], is_open=asked[1])
        for topic, message, is_open in new:
            yield from self._said(topic, message, is_open=is_open)

    def withdrawn(self) -> Iterator[Action]:
        """Nothing is said here any more, and what was is taken back."""
        for topic in self.posts:
            yield from self._said(topic, self.telling.elsewhere(), is_reply=topic != ROOT)

    def _new(self) -> Iterator[tuple[str, ChatMessage, bool]]:
        for occasion in self.event.occasions:
            for key in self.rules_of.get(occasion, ()):
                rules = self.rules[key]
                if self.event.channel not in {PUBSEC, rules.channel}:
                    continue
                topic, message, is_open = self._first(key, rules, occasion)
                if message is not None and topic not in self.posts:
                    yield topic, message, is_open

    def _first(self, key: str, rules: Notification, occasion: str) -> tuple[str, ChatMessage | None, bool]:
        """What is said the first time: about what, in which words, and whether it asks for an answer."""
        if rules.on.is_of_a_clock:
            clock = occasion.partition(":")[2]
            told = self.telling.clock(rules, clock, has_head=self.has_threads)
            return f"{key}:{clock}:{self.event.number}", told, False
        if rules.on.asked is None:
            return f"{key}:{self.event.number}", self.telling.notification(rules, has_head=self.has_threads), False
        version = self.engagement.standing.asked.get(rules.on.asked, 0)
        message, is_open = self.telling.request(rules, version=version, is_latest=True, has_head=self.has_threads)
        return f"{key}:{version}", message, is_open

    def _request(self, topic: str, fresh: set[str]) -> tuple[ChatMessage, bool] | None:
        """An open request as it should read now: the latest one of its notification lives on, the others are over."""
        key, _, number = topic.rpartition(":")
        rules = self.rules.get(key)
        if rules is None or rules.on.asked is None:
            return self.telling.elsewhere(), False
        versions = [int(n) for each in {*self.posts, *fresh} for k, _, n in [each.rpartition(":")] if k == key]
        is_latest = int(number) == max(versions)
        return self.telling.request(rules, version=int(number), is_latest=is_latest, has_head=self.has_threads)

    def _said(
        self, topic: str, message: ChatMessage, *, is_reply: bool = True, is_open: bool = False
    ) -> Iterator[PostMessage]:
        known: ChatPost | None = self.posts.get(topic)
        if known is not None and (known.digest == message.digest or known.ts is None):
            return
        yield PostMessage(
            key=f"{self.engagement.id}:chat:{self.channel}:{topic}:{self.event.number}:{message.digest}",
            engagement=self.engagement.id,
            channel=self.channel,
            topic=topic,
            message=message.to_record(),
            digest=message.digest,
            is_reply=is_reply,
            is_open=is_open,
        )


def _people(engagement: Engagement, snapshot: Snapshot, playbook: Playbook) -> dict[str, tuple[str, ...]]:
    """Who is called for a role: whoever leads, else its people, else those of its groups; of the account team one."""
    outlook, methodology = engagement.standing.outlook, playbook.methodology
    named = dict(people_of_roles(engagement, playbook, outlook.segment))
    for role, holders in snapshot.holders.items():
        if not named.get(role):
            named[role] = tuple(sorted(holders))
    named[ACCOUNT_TEAM] = (engagement.submission.requester_gitlab_username,)
    if outlook.leads:
        named[_lead(methodology)] = outlook.leads
    return named


def _lead(methodology: Methodology) -> str:
    return methodology.routing.triage_role
