"""How the project should be: follows from the methodology and the settings, and from nothing else (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from app.methodology.model import Methodology
from app.settings import Settings
from app.setup.forms import Form

EVENTS: Final = frozenset({"issues_events", "confidential_issues_events", "note_events", "confidential_note_events"})
"""What the webhook has to send, and all that it should: GitLab limits deliveries, and drops those above it."""
BOARD: Final = "PS Plan: {track}"
"""The name by which a board is known again."""


@dataclass(frozen=True, slots=True)
class WantedLabel:
    """A label of the methodology."""

    name: str
    colour: str
    description: str


@dataclass(frozen=True, slots=True)
class WantedBoard:
    """A board for a track: a column for each state that has a label, in the order of the track."""

    name: str
    lists: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WantedHook:
    """The webhook. `url` is None where nobody said how the service is reached; `path` is the end of it in any case."""

    url: str | None
    path: str
    has_token: bool
    has_signing_token: bool


@dataclass(frozen=True, slots=True)
class Desired:
    """The whole of it; `methodology` tells what other labels mean."""

    methodology: Methodology
    labels: tuple[WantedLabel, ...]
    boards: tuple[WantedBoard, ...]
    hook: WantedHook
    forms: tuple[Form, ...]


def desired(
    methodology: Methodology,
    settings: Settings,
    *,
    hook_path: str,
    forms: Iterable[Form],
    with_optional: bool = False,
) -> Desired:
    """`hook_path`: the door for GitLab; `with_optional`: labels as well that are kept for teams who want them."""
    used = frozenset(_used(methodology))
    labels = tuple(
        WantedLabel(name, label.colour, label.description)
        for name, label in methodology.labels.items()
        if with_optional or not label.optional or name in used
    )
    boards = tuple(
        WantedBoard(BOARD.format(track=track.title), tuple(track.by_label)) for track in methodology.tracks.values()
    )
    return Desired(methodology, labels, boards, _hook(settings, hook_path), tuple(forms))


def _hook(settings: Settings, path: str) -> WantedHook:
    return WantedHook(
        url=None if settings.public_url is None else settings.public_url + path,
        path=path,
        has_token=bool(settings.webhook_tokens),
        has_signing_token=bool(settings.webhook_signing_keys),
    )


def _used(methodology: Methodology) -> Iterator[str]:
    """Labels that the process acts upon: an optional one among them is no longer a matter of taste."""
    for track in methodology.tracks.values():
        yield from track.by_label
    for gate in methodology.gates.values():
        yield from (name for name in gate.labels.all if name is not None)
    for criterion in [*methodology.criteria.values(), *methodology.readiness.values()]:
        yield from criterion.labels
