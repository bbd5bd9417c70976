"""The page of the stand-in Slack: channels with their threads, what one person is told alone, and buttons to press."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import httpx
from markupsafe import Markup, escape
from starlette.responses import Response
from starlette.routing import Route

from app.sandbox.page_frame import Frame, Visit, go
from app.sandbox.refusals import Refused, not_found
from app.sandbox.slack import SlackPost, SlackWorld

SLACK_PATH: Final = "/-/slack"
ALONE: Final = "me"
"""Stands for a channel: what the person is told alone."""
_TOKEN: Final = re.compile(r"<([^<>]*)>")
_PLACE: Final = "\ufffc"
"""Stands for what is put in later."""
_BOLD: Final = re.compile(r"(?<!\w)\*(?=\S)([^*\n]+)(?<=\S)\*(?!\w)")
_ITALIC: Final = re.compile(r"(?<!\w)_(?=\S)([^_\n]+)(?<=\S)_(?!\w)")


@dataclass(frozen=True, slots=True)
class PostView:
    """A message as a page shows it."""

    place: str
    ts: str
    at: datetime
    html: Markup
    is_edited: bool
    asks: bool
    url: str | None
    replies: list[PostView] = field(default_factory=list)


def slack_page_routes(frame: Frame, slack: SlackWorld) -> list[Route]:
    """The page, and what its buttons do: the same as Slack does when somebody presses one."""
    frame.offer(slack_path=SLACK_PATH)
    frame.watch(slack.state)

    def look(visit: Visit) -> Response:
        names = list(slack.channels)
        chosen = visit.query("channel") or names[0]
        if chosen not in {*names, ALONE}:
            raise not_found("Channel Not Found")
        user = slack.user_called(visit.user.username)
        place = slack.place_of(user) if chosen == ALONE else slack.channels[chosen]
        threads = list(_threads(slack, place)) if place is not None else []
        counts = {name: slack.count_in(slack.channels[name]) for name in names}
        return frame.page(
            visit,
            "slack.html",
            channels=counts,
            chosen=chosen,
            threads=threads,
            alone=slack.count_in(slack.place_of(user)),
            whispers=[_html(each["text"], slack) for each in slack.whispers if each["user"] == user],
        )

    def press(visit: Visit) -> Response:
        post = slack.find(visit.field("place"), visit.field("ts"))
        user, action = slack.user_called(visit.user.username), visit.field("action")
        if post is None or user is None or action not in post.buttons:
            raise not_found("Button Not Found")
        body = slack.press(post, action, user, reason=visit.field("reason") or None)
        try:
            status = slack.deliver(slack.interactivity_url, body)
        except httpx.HTTPError:
            raise Refused(502, {"message": "the bot does not answer"}) from None
        back = f"{SLACK_PATH}?channel={slack.name_of(post.channel)}"
        return go(back, said="The bot has heard it." if status == 200 else f"The bot answered {status}.")

    return [frame.reading(SLACK_PATH, look), frame.writing(SLACK_PATH, press)]


def _threads(slack: SlackWorld, place: str) -> Iterator[PostView]:
    """The newest thread first; in it, as they came."""
    posts = [post for post in slack.posts if post.channel == place]
    for root in reversed([post for post in posts if post.thread_ts is None]):
        replies = [_view(post, slack) for post in posts if post.thread_ts == root.ts]
        yield _view(root, slack, replies)


def _view(post: SlackPost, slack: SlackWorld, replies: list[PostView] | None = None) -> PostView:
    opened: Any = next((each.get("url") for each in post.buttons.values() if each.get("url")), None)
    return PostView(
        place=post.channel,
        ts=post.ts,
        at=datetime.fromtimestamp(float(post.ts), UTC),
        html=_html(post.text, slack),
        is_edited=post.edits > 0,
        asks="psplan_approve" in post.buttons,
        url=opened if isinstance(opened, str) and opened.startswith(("http://", "https://")) else None,
        replies=replies or [],
    )


def _html(text: str, slack: SlackWorld) -> Markup:
    """Slack's `mrkdwn`: what stands between angle brackets first, so that it can stand in bold as a whole."""
    tokens = [_token(each, slack) for each in _TOKEN.findall(text)]
    html = str(escape(_plain(_TOKEN.sub(_PLACE, text.replace(_PLACE, "")))))
    html = _ITALIC.sub(r"<i>\1</i>", _BOLD.sub(r"<b>\1</b>", html))
    for token in tokens:
        html = html.replace(_PLACE, str(token), 1)
    return Markup(html.replace("\n", "<br>"))  # noqa: S704  (escaped above)


def _token(token: str, slack: SlackWorld) -> Markup:
    target, _, label = token.partition("|")
    if target.startswith("@"):
        person = slack.people.get(target[1:])
        return Markup('<b class="mention">@{}</b>').format(person.name if person else target[1:])
    if target.startswith(("http://", "https://")):
        return Markup('<a href="{}" rel="noopener noreferrer">{}</a>').format(_plain(target), _plain(label or target))
    return Markup('<b class="loud">{}</b>').format(f"<{token}>")


def _plain(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
