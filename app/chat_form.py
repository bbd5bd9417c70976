"""In which form people are told in Slack."""

from __future__ import annotations

from enum import Enum


class ChatForm(Enum):
    """What is configured: nothing, one channel by an incoming webhook, a bot, or a bot whose buttons come back."""

    OFF = "off"
    WEBHOOK = "webhook"
    BOT = "bot"
    BUTTONS = "bot with buttons"

    @property
    def is_on(self) -> bool:
        """Whether anybody is told."""
        return self is not ChatForm.OFF

    @property
    def has_threads(self) -> bool:
        """Whether a message can be changed and answered: an incoming webhook never hears which one it made."""
        return self in {ChatForm.BOT, ChatForm.BUTTONS}
