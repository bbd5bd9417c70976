"""A GitLab project as whoever sets it up sees it: labels, boards, templates, the instance and the token in use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class Instance:
    """The GitLab itself. `clock`: what time it was there when it answered, in whole seconds."""

    version: str
    is_enterprise: bool
    clock: datetime | None

    @property
    def release(self) -> tuple[int, int]:
        """`18.9.0-pre` as (18, 9); (0, 0) where it cannot be read."""
        major, minor, *_ = [*self.version.split("."), "", ""]
        return (int(major), int(minor)) if major.isdigit() and minor.isdigit() else (0, 0)


@dataclass(frozen=True, slots=True)
class AccessToken:
    """The token that a call came with. `expires_on`: from this day on it is refused."""

    name: str
    scopes: frozenset[str]
    expires_on: date | None


@dataclass(frozen=True, slots=True)
class ProjectFacts:
    """What the project is. `branch`: its default branch, also of a repository without a commit."""

    path: str
    web_url: str
    branch: str | None
    has_repository: bool
    is_archived: bool
    takes_issues: bool


@dataclass(frozen=True, slots=True)
class ProjectLabel:
    """A label that can be used in the project; one of a group above it cannot be changed from here."""

    id: int
    name: str
    colour: str
    description: str
    is_of_project: bool = True


@dataclass(frozen=True, slots=True)
class BoardList:
    """A column of a board; `label` is None where it gathers by something else."""

    id: int
    label: str | None


@dataclass(frozen=True, slots=True)
class Board:
    """An issue board with its columns from left to right, without the built-in Open and Closed."""

    id: int
    name: str
    lists: tuple[BoardList, ...] = ()


@dataclass(frozen=True, slots=True)
class ProjectFile:
    """A text file on the default branch; `commit`: the one that changed it last."""

    path: str
    text: str
    commit: str
