"""Who looks at the pages, and what they may see and do there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.directory import ACCESS_LEVELS, Directory
from app.methodology.model import Methodology

SEES_CONFIDENTIAL: Final = ACCESS_LEVELS["planner"]
"""From this level on GitLab shows confidential issues (permissions, "View confidential issues")."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """A person in a browser. `csrf` is what forms of this visit carry; `can_leave`: there is a login to leave."""

    username: str
    sees_confidential: bool
    may_replay: bool
    csrf: str
    can_leave: bool = True


class Gatekeeper(Protocol):
    """Lets people in, or sends them to where they can prove who they are."""

    @property
    def middleware(self) -> Sequence[Middleware]:
        """What has to stand before each page."""

    def routes(self) -> list[Route]:
        """The pages of the login itself."""

    async def admit(self, request: Request) -> Visitor | Response:
        """Who this is; or what they are answered instead of the page."""


@dataclass(frozen=True, slots=True)
class OpenHouse:
    """For a demo on loopback: everybody may do everything, without a login."""

    csrf: str

    @property
    def middleware(self) -> Sequence[Middleware]:
        """Nothing."""
        return ()

    def routes(self) -> list[Route]:
        """None are needed."""
        return []

    async def admit(self, request: Request) -> Visitor | Response:  # noqa: ARG002
        """Anybody."""
        return Visitor("demo", sees_confidential=True, may_replay=True, csrf=self.csrf, can_leave=False)


def visitor_of(username: str, csrf: str, directory: Directory, methodology: Methodology) -> Visitor | None:
    """What somebody may see and do; None for who is no member of the project. Raises Retry or Permanent.

    Asked at every page, so that whoever loses a role loses it here as well (the directory remembers for minutes).
    """
    member = directory.member(username)
    if member is None:
        return None
    holders = (directory.holders(methodology.roles[role]) for role in methodology.pages.replay)
    return Visitor(
        member.username,
        sees_confidential=member.access_level >= SEES_CONFIDENTIAL,
        may_replay=any(username.lower() in held.names for held in holders),
        csrf=csrf,
    )
