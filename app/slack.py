"""Slack as the service has it: the adapter of the configured form, who is who, and what tells people there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pydantic import SecretStr

from app.adapters.slack import SlackBot, SlackRestraint, SlackWebhook
from app.adapters.vendor import Trouble
from app.chat import ChatTeller
from app.chat_form import ChatForm
from app.clock import Timer
from app.live_secrets import LiveSecrets
from app.methodology.model import Methodology
from app.metrics import Metrics
from app.ports import Chat
from app.settings import Settings
from app.slack_people import SlackPeople
from app.snapshot import ChatPost


@dataclass(frozen=True, slots=True)
class Slack:
    """The parts, wired."""

    chat: Chat
    people: SlackPeople
    form: ChatForm
    trouble: Trouble

    def teller(self, posts: Callable[[str], tuple[ChatPost, ...]]) -> ChatTeller:
        """What performs actions of the chat; `posts`: what was said of an engagement so far."""
        return ChatTeller(self.chat, self.people, posts, self.form.has_threads)


def open_slack(
    settings: Settings, live: LiveSecrets, methodology: Methodology, timer: Timer, metrics: Metrics
) -> Slack | None:
    """None where it is not configured. No request is sent: Slack may be down for the moment."""
    form = settings.chat_form
    if not form.is_on:
        return None
    restraint = SlackRestraint(timer, metrics)
    chat: Chat
    if form.has_threads:
        token = _secret(lambda: live.settings.slack_token)
        chat = SlackBot(url=settings.slack_api_url, token=token, restraint=restraint)
    else:
        chat = SlackWebhook(url=_secret(lambda: live.settings.slack_webhook_url), restraint=restraint)
    return Slack(chat, SlackPeople(chat, methodology.slack, timer), form, restraint.vendor.trouble)


def _secret(held: Callable[[], SecretStr | None]) -> Callable[[], str]:
    """The value of now: a secret may be renewed while the service runs."""

    def value() -> str:
        secret = held()
        return "" if secret is None else secret.get_secret_value()

    return value
