"""The methodology as typed, frozen values: what a file may say, and in which form.

Later parts of the process (states, gates, clocks) stand beside these as further fields of Methodology. Words that end
up in an issue are one line of plain prose: no question can break its table, mention anybody or start a reference.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from app.submission.choices import Segment, Service

_LIVE = re.compile(r"(?<!\w)[@#!~%&^*_:]\w|[|`<\[\]\\$]|\*\*|~~|://|(?i:www\.)")
_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}")


def _wrong(problem: str) -> PydanticCustomError:
    return PydanticCustomError("methodology", "{problem}", {"problem": problem})


def _plain(words: str) -> str:
    if not words.isprintable():
        raise _wrong("must be a single line")
    if found := _LIVE.search(words):
        raise _wrong(f"must be plain words: {found.group()!r} would be live in an issue")
    return words


def _label(name: str) -> str:
    if "," in name or not name.isprintable() or name != name.strip():
        raise _wrong("must be a label name: one line, no comma (GitLab splits there), no blank at either end")
    return name


def _host(name: str) -> str:
    if not _HOST.fullmatch(name):
        raise _wrong("must be a host name in lower case, such as salesforce.com")
    return name


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise _wrong("must be a time zone, such as UTC or Europe/Berlin") from None
    return name


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise _wrong(f"must be a regular expression: {error}") from None
    return text


Plain = Annotated[str, StringConstraints(min_length=1, max_length=300), AfterValidator(_plain)]
Username = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.][A-Za-z0-9_.-]{0,254}$")]
GroupPath = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)*$", max_length=255)]
LabelName = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(_label)]
Colour = Annotated[str, StringConstraints(pattern=r"^#[0-9A-Fa-f]{6}$")]
Host = Annotated[str, AfterValidator(_host)]
Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,59}$")]
FieldPath = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_*]+(?:\.[a-z0-9_*]+)*$", max_length=120)]
Condition = Mapping[FieldPath, Annotated[tuple[str, ...], Field(min_length=1)]]


class _Block(BaseModel):
    """A block of the file: frozen, and a name it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, defer_build=True)


class IssueKind(StrEnum):
    """The issues a label can stand on."""

    SCOPING = "scoping"
    INTAKE = "intake"


class NeededBy(StrEnum):
    """When an intake field has to be known at the latest, in this order."""

    DRAFT = "draft"
    READY = "ready"
    BOOKING = "booking"
    STAFFING = "staffing"
    STAFFED = "staffed"
    CLOSED_WON = "closed_won"
    SCHEDULED = "scheduled"


class AccessLevel(StrEnum):
    """GitLab's access levels in a project, lowest first."""

    GUEST = "guest"
    PLANNER = "planner"
    REPORTER = "reporter"
    DEVELOPER = "developer"
    MAINTAINER = "maintainer"
    OWNER = "owner"


class IssueText(_Block):
    """What one kind of issue is called and which labels it always gets."""

    title: Plain
    labels: tuple[LabelName, ...]


class Issues(_Block):
    """The kinds of issue that a submission brings about."""

    scoping: IssueText
    intake: IssueText
    intake_only: IssueText


class Classification(_Block):
    """Labels that follow from what was submitted; `{segment}` in the second is the sales segment."""

    pubsec_us: LabelName
    segment: Annotated[str, StringConstraints(pattern=r"^[^{},]*\{segment\}[^{},]*$")]


class Confidential(_Block):
    """When both issues are made confidential."""

    pubsec_us: bool


class Clock(_Block):
    """A span of time that somebody has for something."""

    hours: Annotated[int, Field(ge=1, le=24 * 90)]


class Clocks(_Block):
    """All clocks."""

    first_touch: Clock


class Role(_Block):
    """Who holds a role: single people, GitLab groups, or everybody from an access level on."""

    title: Plain
    users: tuple[Username, ...] = ()
    groups: tuple[GroupPath, ...] = ()
    access_level: AccessLevel | None = None


class RoutingRules(_Block):
    """Which EM gets a submission."""

    default_em: Username | None
    triage_role: Key
    pubsec_em: Username | None
    account_team: Mapping[Username, Username]
    segments: Mapping[Segment, Username | None]
    territories: Mapping[Annotated[str, StringConstraints(min_length=1, max_length=100)], Segment]


class ServiceRules(_Block):
    """What choosing a service means: its label and the question sets it brings, each with its condition."""

    title: Plain
    category: Plain
    label: LabelName | None
    question_sets: Mapping[Key, Condition]


class Stage(_Block):
    """One of the four stages of the pre-sales methodology, as the checklist shows it."""

    title: Plain
    dri: Key
    supported_by: Plain
    steps: Annotated[tuple[Plain, ...], Field(min_length=1, max_length=30)]
    note: Plain | None = None


class ReadinessItem(_Block):
    """One thing that must be true before people are scheduled."""

    title: Plain
    owner: Key


class IntakeField(_Block):
    """One row of the intake table."""

    title: Plain
    needed_by: NeededBy
    owner: Key
    answered_by: Annotated[tuple[FieldPath, ...], Field(alias="from")] = ()


class QuestionSet(_Block):
    """A group of questions; `answers` is the object of the submission whose names are question keys."""

    title: Plain
    always: bool = False
    answers: FieldPath | None = None


class Question(_Block):
    """One question, asked once however many chosen sets name it."""

    sets: Annotated[tuple[Key, ...], Field(min_length=1)]
    text: Plain
    why: Plain
    example: Plain
    required: bool = False
    answered_by: Annotated[tuple[FieldPath, ...], Field(alias="from")] = ()
    intake: Key | None = None
    when: Condition = Field(default_factory=dict)


class Label(_Block):
    """A label as `psplan setup` makes it; an optional one only when asked for."""

    colour: Colour
    description: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    on: Annotated[tuple[IssueKind, ...], Field(min_length=1)]
    optional: bool = False


class LabelFamily(Label):
    """Labels made when first needed; the value in place of `*` must fit the pattern."""

    pattern: Annotated[str, AfterValidator(_pattern)]


class Methodology(_Block):
    """Everything the file says."""

    time_zone: Annotated[str, AfterValidator(_zone)]
    issues: Issues
    classification: Classification
    confidential: Confidential
    clocks: Clocks
    link_hosts: tuple[Host, ...]
    roles: Mapping[Key, Role]
    routing: RoutingRules
    services: Mapping[Service, ServiceRules]
    stages: Mapping[Key, Stage]
    readiness: Mapping[Key, ReadinessItem]
    words: Mapping[FieldPath, Mapping[str, Plain]]
    question_sets: Mapping[Key, QuestionSet]
    questions: Mapping[Key, Question]
    intake_fields: Mapping[Key, IntakeField]
    labels: Mapping[LabelName, Label]
    label_families: Mapping[LabelName, LabelFamily]

    @cached_property
    def sources_of_questions(self) -> Mapping[str, tuple[str, ...]]:
        """Question key → the dotted names of all submission fields that answer it."""
        found = {}
        for key, question in self.questions.items():
            objects = (self.question_sets[name].answers for name in question.sets)
            named_alike = (key if name is None else f"{name}.{key}" for name in objects)
            found[key] = tuple(dict.fromkeys([*question.answered_by, *named_alike]))
        return found

    @cached_property
    def questions_of_sets(self) -> Mapping[str, Mapping[str, Question]]:
        """Question set → its questions by key, in the order of the file."""
        found: dict[str, dict[str, Question]] = {name: {} for name in self.question_sets}
        for key, question in self.questions.items():
            for name in question.sets:
                found[name][key] = question
        return found

    def in_words(self, path: str, value: str) -> str:
        """How a value of the submission reads in an issue; the value itself where the file has no words for it."""
        return self.words.get(path, {}).get(value, value)
