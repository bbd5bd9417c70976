"""Secrets given as files, looked at again while the service runs: rotated by replacing the file, without a restart.

What cannot be used (unreadable, empty, malformed) changes nothing: the last good value stays, and an alarm says so.
Keys of records and the secret of the login are not among them: what they have signed is still in use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final, TypeVar

import structlog

from app.settings import PREFIX, Settings, SettingsFault, read_secret, secret_path, with_secret, words_given

LIVE: Final = (
    "calculator_keys",
    "gitlab_admin_token",
    "gitlab_token",
    "metrics_token",
    "salesforce_client_secret",
    "salesforce_private_key",
    "salesforce_signing_keys",
    "salesforce_webhook_tokens",
    "slack_signing_secrets",
    "slack_token",
    "slack_webhook_url",
    "smtp_url",
    "webhook_signing_keys",
    "webhook_tokens",
)
"""The settings whose files are watched."""
LOOK_EVERY_S: Final = 2.0

T = TypeVar("T")
Look = tuple[int, int, int, int]

log = structlog.get_logger()


class LiveSecrets:
    """The settings with the secrets of now; `look` is called by one thread at a time."""

    def __init__(
        self,
        settings: Settings,
        files: Mapping[str, Path] | None = None,
        *,
        hide: Callable[[Iterable[str]], None] = lambda _: None,
    ) -> None:
        """`files`: setting → the file that it came from. `hide`: keeps values out of the log from now on."""
        self.settings = settings
        self._files = files or {}
        self._hide = hide
        self._looks: dict[str, Look] = {}
        self._faults: dict[str, str] = {}

    @property
    def is_watching(self) -> bool:
        """Whether there is a file to look at."""
        return bool(self._files)

    @property
    def alarms(self) -> list[str]:
        """Names of settings whose files cannot be used, so that the last good value is; no path, no reason."""
        return [f"{PREFIX}{name.upper()}_FILE cannot be used: the last good value is" for name in sorted(self._faults)]

    def of(self, make: Callable[[Settings], T]) -> Callable[[], T]:
        """What is made of the settings, and made anew when a secret has changed."""
        held = [(self.settings, make(self.settings))]

        def made() -> T:
            known, value = held[0]
            if known is not (now := self.settings):
                value = make(now)
                held[0] = (now, value)
            return value

        return made

    def look(self) -> None:
        """Take over what is new in the files. Raises nothing."""
        for name, path in self._files.items():
            try:
                look = _look_of(path)
                if look is not None and look == self._looks.get(name):
                    continue
                self._take_over(name, read_secret(name, path))
            except SettingsFault as fault:
                self._looks.pop(name, None)  # rights may change without a trace in what is looked at
                if self._faults.get(name) != str(fault):
                    self._faults[name] = str(fault)
                    log.error("secret.not_usable", reason=str(fault), used="the last good value")
                continue
            # of before it was read: what was written since is read the next time
            if look is not None:
                self._looks[name] = look
            if self._faults.pop(name, None) is not None:
                log.info("secret.usable_again", setting=PREFIX + name.upper())

    def _take_over(self, name: str, text: str) -> None:
        settings = with_secret(self.settings, name, text)
        if getattr(settings, name) == getattr(self.settings, name):
            return
        self._hide(settings.secret_values())
        self.settings = settings
        log.info("secret.renewed", setting=PREFIX + name.upper())


def watched_files() -> dict[str, Path]:
    """The files that the environment names for secrets that can be renewed."""
    words = words_given()
    paths = {name: secret_path(name, words) for name in LIVE}
    return {name: path for name, path in paths.items() if path is not None}


def _look_of(path: Path) -> Look | None:
    """Changes when the file is replaced or written, also where a link leads to another one now."""
    try:
        held = path.stat()
    except OSError:
        return None
    return held.st_dev, held.st_ino, held.st_size, held.st_mtime_ns
