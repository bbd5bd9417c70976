"""A digest as a comment, and as a message in Slack: of three short lists those that hold something."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from app import slack_text
from app.blocks.words import joined, lines, together
from app.chat_message import ChatMessage, ChatText
from app.engagement import Engagement, IssueLink
from app.methodology.parts import IssueKind
from app.slack_text import SlackSafe
from app.status_words import person
from app.text import Safe, code_span, own

MOST: Final = 25
"""Of each list; a longer one is for the pipeline page."""
Line = tuple[Engagement, str]
"""An engagement, and what there is to say about it: our own words, or a title of the methodology."""


@dataclass(frozen=True, slots=True)
class Digest:
    """What one person reads in the morning."""

    who: str
    to_do: tuple[Line, ...] = ()
    late: tuple[Line, ...] = ()
    changed: tuple[Line, ...] = ()

    @property
    def lists(self) -> Iterator[tuple[str, Sequence[Line]]]:
        """Those that hold something, each with its title; of one engagement one line."""
        named = (("Yours to do", self.to_do), ("Late", self.late), ("Changed", self.changed))
        return ((title, _by_engagement(found)) for title, found in named if found)


def _by_engagement(found: Sequence[Line]) -> Sequence[Line]:
    said: dict[str, tuple[Engagement, list[str]]] = {}
    for engagement, words in found:
        said.setdefault(engagement.id, (engagement, []))[1].append(words)
    return [(engagement, "; ".join(filter(None, words))) for engagement, words in said.values()]


def digest_note(digest: Digest, day: str, mark: Safe) -> Safe:
    """The comment, its marker first; the person is mentioned, and the only one."""
    parts = [mark, together(person(digest.who), own(f", this is {_named(day)}:"))]
    for title, found in digest.lists:
        parts += [own(f"**{title}**"), lines(*_lines(found))]
    return joined(parts, own("\n\n"))


def digest_message(digest: Digest, day: str) -> ChatMessage:
    """The same for Slack, where only this person reads it."""
    told: list[ChatText] = [(slack_text.own(f"Good morning, this is {_named(day)}."),)]
    for title, found in digest.lists:
        told.append((slack_text.joined([slack_text.own(f"*{title}*"), *_chat_lines(found)], slack_text.own("\n")),))
    return ChatMessage(tuple(told))


def _lines(found: Sequence[Line]) -> Iterator[Safe]:
    for engagement, words in found[:MOST]:
        link = _issue(engagement)
        # as code: a reference would leave a system note on every one of these issues
        number = code_span(f"#{link.iid}") if link is not None else own("")
        customer = code_span(engagement.submission.customer_name, limit_chars=60)
        yield together(own("- "), number, own(" "), customer, own(": "), own(words) if words else own("—"))
    if len(found) > MOST:
        yield own(f"- and {len(found) - MOST} more")


def _named(day: str) -> str:
    return f"{date.fromisoformat(day):%A} {day}"


def _chat_lines(found: Sequence[Line]) -> Iterator[SlackSafe]:
    for engagement, words in found[:MOST]:
        customer = slack_text.foreign(engagement.submission.customer_name, limit_chars=60)
        issue = _issue(engagement)
        named = customer if issue is None else slack_text.link(issue.web_url, customer)
        what = slack_text.words(words) if words else slack_text.NOTHING
        yield slack_text.together(slack_text.own("• "), named, slack_text.own(": "), what)
    if len(found) > MOST:
        yield slack_text.own(f"• and {len(found) - MOST} more")


def _issue(engagement: Engagement) -> IssueLink | None:
    return engagement.issues.get(IssueKind.SCOPING) or engagement.issues.get(IssueKind.INTAKE)
