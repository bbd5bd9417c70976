"""How long a replica may trust that its work is still its own, when others may take it over.

Work changes hands when a replica's heartbeat is older than the stall limit, be it dead, cut off from the database, or
merely stopped for a while (a machine that is suspended, a container that is throttled). Such a replica may wake in the
middle of a turn that another one has taken over. Three things keep it from doing harm:

- before each write to GitLab it looks at its own clock: a tenure ends a margin before others may take over, so nobody
  need be asked, and a replica that is cut off finds out by itself;
- each of its transactions first proves that the delivery still carries its life (`inbox.hold`), so that it cannot write
  over what another has decided since;
- whoever takes over counts every write in doubt from that moment (`inbox.take`) and looks before it writes again.

What remains: a replica that is stopped between the look at its clock and the bytes of one request, for longer than the
stall limit, and then goes on. That one request GitLab will see, late; only GitLab could refuse it.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.clock import Timer

MARGIN = 0.25
"""Of the stall limit: a tenure ends that much before others may take over. A heartbeat comes as often."""


@dataclass(frozen=True, slots=True)
class Replica:
    """Who this process is among its like.

    `process`: a name that no other process has or had.
    """

    process: str
    stall_limit_s: float
    timer: Timer


@dataclass(slots=True)
class Tenure:
    """One registration of a replica. `life` names it in the database: process, a colon, and which of its tenures."""

    replica: Replica
    number: int
    renewed_at: float
    """By the replica's timer, before the heartbeat was sent: it counts from no earlier than that at the database."""
    is_over: bool = False

    @property
    def life(self) -> str:
        """Its name in the database."""
        return f"{self.replica.process}:{self.number}"

    def is_held(self) -> bool:
        """Whether nobody can have taken over."""
        return not self.is_over and self.replica.timer() < self.renewed_at + self.replica.stall_limit_s * (1 - MARGIN)

    def renew(self, at: float) -> None:
        """A heartbeat that was sent then has arrived."""
        self.renewed_at = max(self.renewed_at, at)

    def end(self) -> None:
        """It was found to be over: for good, whatever heartbeat may still arrive."""
        self.is_over = True

    def is_of_this_process(self, life: str) -> bool:
        """Whether a life was this process', in this tenure or an earlier one."""
        return life.partition(":")[0] == self.replica.process
