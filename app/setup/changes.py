"""The steps that make a project ready, as values: each says what it does, and nothing is done by saying it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, Final
from urllib.parse import urlsplit, urlunsplit

from app.project import ProjectFile


class Part(StrEnum):
    """What of the project is looked at by itself, in the order in which it is made ready."""

    LABELS = "labels"
    BOARDS = "boards"
    WEBHOOK = "webhook"
    FORMS = "issue templates"


class Gravity(StrEnum):
    """How much it matters."""

    NOTE = "note"
    """It is so, and may well be."""
    BLEMISH = "blemish"
    """It is not as it should be, and everything works."""
    GRAVE = "grave"
    """Something does not work."""


NEW: Final = "+"
OTHER: Final = "~"
GONE: Final = "-"


def shown(url: str) -> str:
    """The address of a webhook without what may be a secret in it: user, password, query."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Change(ABC):
    """A step. `is_seen_at_once`: once done it is not found lacking any more."""

    part: ClassVar[Part]
    sign: str = NEW
    gravity: Gravity = Gravity.BLEMISH
    is_seen_at_once: bool = True

    @abstractmethod
    def describe(self) -> str:
        """In words, for whoever is asked whether it should be done."""


@dataclass(frozen=True, slots=True)
class CreateLabel(Change):
    """Make a label."""

    part: ClassVar = Part.LABELS
    gravity: Gravity = field(default=Gravity.GRAVE, kw_only=True)

    name: str
    colour: str
    description: str

    def describe(self) -> str:
        """With its colour."""
        return f"label {self.name} ({self.colour})"


@dataclass(frozen=True, slots=True)
class ChangeLabel(Change):
    """Give a label the colour and description of the methodology; None leaves one as it is."""

    part: ClassVar = Part.LABELS
    sign: str = field(default=OTHER, kw_only=True)

    id: int
    name: str
    was_colour: str
    colour: str | None
    description: str | None

    def describe(self) -> str:
        """What differs."""
        colour = [] if self.colour is None else [f"colour {self.was_colour} → {self.colour}"]
        description = [] if self.description is None else [f"description “{self.description}”"]
        return f"label {self.name}: {', '.join([*colour, *description])}"


@dataclass(frozen=True, slots=True)
class RenameLabel(Change):
    """Give a label its right name; every issue that carries it carries the right one then."""

    part: ClassVar = Part.LABELS
    sign: str = field(default=OTHER, kw_only=True)

    id: int
    name: str
    to: str

    def describe(self) -> str:
        """Both names."""
        return f"label {self.name} becomes {self.to}, on every issue that carries it"


@dataclass(frozen=True, slots=True)
class RetireLabel(Change):
    """Give every issue that carries a label the right one (None: none at all), and delete it then."""

    part: ClassVar = Part.LABELS
    sign: str = field(default=GONE, kw_only=True)

    id: int
    name: str
    to: str | None

    def describe(self) -> str:
        """What becomes of its issues."""
        instead = "lose it" if self.to is None else f"get {self.to}"
        return f"label {self.name}: the issues that carry it {instead}, and it is deleted"


@dataclass(frozen=True, slots=True)
class CreateBoard(Change):
    """Make a board, still empty."""

    part: ClassVar = Part.BOARDS

    name: str

    def describe(self) -> str:
        """Its name."""
        return f"board “{self.name}”"


@dataclass(frozen=True, slots=True)
class AddList(Change):
    """Put a column at the end of a board."""

    part: ClassVar = Part.BOARDS

    board: str
    label: str

    def describe(self) -> str:
        """Where, and for what."""
        return f"board “{self.board}”: column {self.label}"


@dataclass(frozen=True, slots=True)
class MoveList(Change):
    """Put a column at its place, counted from 0."""

    part: ClassVar = Part.BOARDS
    sign: str = field(default=OTHER, kw_only=True)

    board: str
    label: str
    position: int

    def describe(self) -> str:
        """The place as people count."""
        return f"board “{self.board}”: column {self.label} to place {self.position + 1}"


@dataclass(frozen=True, slots=True)
class CreateHook(Change):
    """Make the webhook."""

    part: ClassVar = Part.WEBHOOK
    gravity: Gravity = field(default=Gravity.GRAVE, kw_only=True)

    url: str

    def describe(self) -> str:
        """Where it leads."""
        return f"webhook to {shown(self.url)}: issues and comments, confidential ones too; no pushes"


@dataclass(frozen=True, slots=True)
class ChangeHook(Change):
    """Set the events of the webhook, and its check of certificates."""

    part: ClassVar = Part.WEBHOOK
    sign: str = field(default=OTHER, kw_only=True)

    id: int
    url: str
    wrong: tuple[str, ...]

    def describe(self) -> str:
        """What is wrong with it."""
        return f"webhook to {shown(self.url)}: {'; '.join(self.wrong)}"


@dataclass(frozen=True, slots=True)
class RenewSecret(Change):
    """Give the webhook its secret anew."""

    part: ClassVar = Part.WEBHOOK
    sign: str = field(default=OTHER, kw_only=True)
    gravity: Gravity = field(default=Gravity.GRAVE, kw_only=True)

    id: int
    url: str
    why: str

    def describe(self) -> str:
        """Why."""
        return f"webhook to {shown(self.url)}: its secret anew, because {self.why}"


@dataclass(frozen=True, slots=True)
class TestHook(Change):
    """Have GitLab test a webhook that it has disabled: answered well, it is switched on again."""

    __test__: ClassVar = False  # pytest takes it for a test by its name

    part: ClassVar = Part.WEBHOOK
    sign: str = field(default=OTHER, kw_only=True)
    gravity: Gravity = field(default=Gravity.GRAVE, kw_only=True)

    id: int
    url: str

    def describe(self) -> str:
        """What the test is for."""
        return f"webhook to {shown(self.url)}: GitLab disabled it; a test switches it on again"


@dataclass(frozen=True, slots=True)
class WriteForm(Change):
    """Commit an issue template, over the one that was read if there is one."""

    part: ClassVar = Part.FORMS

    path: str
    text: str = field(repr=False)
    branch: str
    over: ProjectFile | None = field(repr=False)

    def describe(self) -> str:
        """Where."""
        state = "" if self.over is None else ", which is old"
        return f"{self.path} on {self.branch}{state}"


@dataclass(frozen=True, slots=True)
class Remark:
    """What is not for us to change."""

    part: Part
    words: str
    mend: str = ""
    gravity: Gravity = Gravity.BLEMISH


@dataclass(frozen=True, slots=True)
class Difference:
    """What has to be done, in this order, and what can only be said."""

    changes: tuple[Change, ...] = ()
    remarks: tuple[Remark, ...] = ()
    is_as_it_should_be: str = ""
    """What may be said when there is neither."""
