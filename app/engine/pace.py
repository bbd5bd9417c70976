"""How fast turns are begun, by whichever scheduler: work stands back for who waits at the door, failed turns rest."""

from __future__ import annotations

from typing import Final

TURN_FAILED_WAIT_S: Final = 5.0
RUSH_PAUSE_S: Final = 0.01
RUSH_TURN_EVERY_S: Final = 0.1
"""In the longest rush the work still goes on, at this pace."""
