"""A small stateful GitLab for demonstrations and tests."""

from app.sandbox.clockwork import RateLimits
from app.sandbox.faults import Fault, FaultKind, Request
from app.sandbox.people import CAST, Person, token_of
from app.sandbox.records import AccessLevel
from app.sandbox.refusals import Refused
from app.sandbox.server import SandboxServer, create_sandbox_app
from app.sandbox.world import World

__all__ = [
    "CAST",
    "AccessLevel",
    "Fault",
    "FaultKind",
    "Person",
    "RateLimits",
    "Refused",
    "Request",
    "SandboxServer",
    "World",
    "create_sandbox_app",
    "token_of",
]
