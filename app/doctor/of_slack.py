"""Slack: whether the bot may speak there, in the channels of the methodology, and knows whom it calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from app.chat_form import ChatForm
from app.doctor.finding import Finding, State
from app.doctor.patient import Patient, Unchecked
from app.doctor.registry import check
from app.errors import Permanent, Retry
from app.methodology.telling import SlackRules
from app.ports import ChatChannel, ChatKeeper

SLACK: Final = "Slack"
MAY_SPEAK: Final = "chat:write"
MAY_SPEAK_ANYWHERE: Final = "chat:write.public"
WANTED: Final[Mapping[str, str]] = {
    "channels:read": "to find channels by their names",
    "channels:history": "to see, after an answer was lost, whether a message was sent",
    "users:read": "to know who pressed a button",
    "users:read.email": "to find people by their e-mail",
}
"""Scope → what it is for; without it the bot does less, and does nothing wrong."""
MOST_USERS: Final = 50
"""Each is a request."""


@check(SLACK, "slack_token", "slack_signing_secrets", "slack_webhook_url", "slack_api_url")
def slack_is_told(patient: Patient) -> Iterator[Finding]:
    """Nothing is sent to find it out, so an incoming webhook cannot be looked at."""
    form, slack = patient.settings.chat_form, patient.tools.slack
    if form is ChatForm.WEBHOOK:
        yield Finding(State.OK, SLACK, "announcements by an incoming webhook, which nothing but a message would try")
    elif slack is None:
        yield Finding(State.NOT_CONFIGURED, SLACK, "nobody is told there; everything is said in GitLab")
    else:
        yield from _bot(slack, form, patient)


def _bot(slack: ChatKeeper, form: ChatForm, patient: Patient) -> Iterator[Finding]:
    try:
        who, scopes = slack.whoami()
    except (Retry, Permanent) as fault:
        yield Finding(State.BROKEN, SLACK, fault.reason, "PSPLAN_SLACK_TOKEN: the bot token of the app, xoxb-…")
        return
    if scopes and MAY_SPEAK not in scopes:
        yield Finding(
            State.BROKEN, SLACK, f"the token has no scope {MAY_SPEAK}", "add it to the app, and install it anew"
        )
    missing = [each for each in WANTED if each not in scopes] if scopes else []
    for each in missing:
        yield Finding(State.WARNING, SLACK, f"the token has no scope {each}, {WANTED[each]}", "add it to the app")
    if form is not ChatForm.BUTTONS:
        reason = "PSPLAN_SLACK_SIGNING_SECRETS is not set: requests have no buttons to answer by"
        yield Finding(State.WARNING, SLACK, reason, "the app's signing secret, and its interactivity address")
    try:
        rules = patient.methodology().slack
    except Unchecked:
        yield Finding(State.NOT_CHECKED, SLACK, "its channels: the methodology has to be mended first")
        return
    yield from _channels(slack, rules, scopes)
    yield from _users(slack, rules)
    told = f"{who.get('user', 'the bot')} in {who.get('team', 'its workspace')}"
    yield Finding(State.OK, SLACK, f"{told}, {'with' if form is ChatForm.BUTTONS else 'without'} buttons")


def _channels(slack: ChatKeeper, rules: SlackRules, scopes: frozenset[str]) -> Iterator[Finding]:
    try:
        known = slack.channels()
    except (Retry, Permanent) as fault:
        yield Finding(State.WARNING, SLACK, f"its channels cannot be listed ({fault.reason})", "add channels:read")
        return
    by_id = {each.id: each for each in known.values()}
    for key, name in rules.channels.items():
        place = f"slack.channels.{key}"
        if name is None:
            yield Finding(State.NOT_CONFIGURED, SLACK, f"no channel is named for {key}")
        elif (found := known.get(name) or by_id.get(name)) is None:
            reason = f"the bot sees no channel {name} ({place})"
            yield Finding(State.BROKEN, SLACK, reason, "name another one; into a private one invite the bot")
        elif not _may_speak_in(found, scopes):
            yield Finding(
                State.BROKEN, SLACK, f"the bot is not in {name} ({place})", f"invite it there: /invite in #{name}"
            )


def _may_speak_in(channel: ChatChannel, scopes: frozenset[str]) -> bool:
    return channel.is_member or (not channel.is_private and MAY_SPEAK_ANYWHERE in scopes)


def _users(slack: ChatKeeper, rules: SlackRules) -> Iterator[Finding]:
    for name, user in list(rules.users.items())[:MOST_USERS]:
        try:
            is_there = slack.email_of(user) is not None
        except (Retry, Permanent) as fault:
            yield Finding(State.WARNING, SLACK, f"its users cannot be looked up ({fault.reason})", "add users:read")
            return
        if not is_there:
            reason = f"nobody of the workspace is {user} (slack.users.{name})"
            yield Finding(State.BROKEN, SLACK, reason, "Slack shows it as 'member ID' in somebody's profile")
    if len(rules.users) > MOST_USERS:
        yield Finding(State.NOT_CHECKED, SLACK, f"{len(rules.users) - MOST_USERS} more users were not asked for")
    if rules.email is None and not rules.users:
        reason = "nobody is called there: the methodology knows neither slack.users nor slack.email"
        yield Finding(State.WARNING, SLACK, reason, 'such as email: "{username}@example.com"')
