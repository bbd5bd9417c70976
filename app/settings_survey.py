"""Settings looked at as a whole: every fault at once, and values to go on with in spite of them."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from app.settings import PREFIX, Settings, SettingsFault, lacking, secret_file, secret_names, sentence, words_given

_STAND_IN: Final = {"gitlab_url": "http://gitlab.invalid", "gitlab_token": "none", "project": "none"}
"""For what is required and not there: nothing that needs it is done."""


@dataclass(frozen=True, slots=True)
class Survey:
    """`faults`: setting → what is wrong with it, in a sentence; in `settings` it has its default then.

    `unknown`: names that look like settings and are none, each with the one that is likely meant.
    """

    settings: Settings
    faults: Mapping[str, str]
    unknown: Mapping[str, str | None]


def survey(**given: Any) -> Survey:
    """Read what there is. Raises nothing."""
    faults: dict[str, str] = {}
    words = words_given()
    for name in secret_names(Settings):
        try:
            secret_file(name, words)
        except SettingsFault as fault:
            faults[name] = str(fault)
    settings = None
    for _ in range(len(Settings.model_fields) + 1):  # each time round at least one more has its default
        try:
            settings = Settings(**{**given, **{name: _in_place_of(name) for name in faults}})
            break
        except ValidationError as fault:
            for error in fault.errors(include_url=False, include_input=False):
                faults[str(error["loc"][0])] = sentence(error)
    assert settings is not None  # noqa: S101  (the defaults are settings)
    for name, words_of in lacking(settings):
        faults.setdefault(name, words_of)
    return Survey(settings, faults, _unknown(words))


def _in_place_of(name: str) -> Any:
    return _STAND_IN.get(name, Settings.model_fields[name].default)


def _unknown(words: Mapping[str, str | None]) -> dict[str, str | None]:
    known = [PREFIX + name.upper() for name in Settings.model_fields]
    known += [PREFIX + name.upper() + "_FILE" for name in secret_names(Settings)]
    strange = sorted(name for name in words if name.upper().startswith(PREFIX) and name.upper() not in known)
    return {name: next(iter(difflib.get_close_matches(name.upper(), known, n=1, cutoff=0.8)), None) for name in strange}
