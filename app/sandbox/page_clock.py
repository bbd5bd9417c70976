"""The sandbox's clock, for people who do not want to wait two days for a reminder: to move it, forward only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from app.clock import MovableClock
from app.sandbox.page_frame import Frame, Visit, go, local_path
from app.sandbox.refusals import Refused

CLOCK_PATH: Final = "/-/clock"
STEPS: Final = {
    "hour": ("An hour", timedelta(hours=1)),
    "day": ("The next day", timedelta(days=1)),
    "week": ("A week", timedelta(weeks=1)),
}
"""What can be chosen → how it is called, and how far it goes."""


def clock_routes(frame: Frame, clock: MovableClock) -> list[Route]:
    """The one form that moves it; the buttons stand at the top of every page."""
    frame.offer(clock_steps={name: called for name, (called, _) in STEPS.items()})

    def move(visit: Visit) -> Response:
        step = STEPS.get(visit.field("step"))
        if step is None:
            raise Refused(400, {"message": "step must be one of: " + ", ".join(STEPS)})
        clock.move(step[1].total_seconds())
        now = datetime.fromtimestamp(clock(), UTC)
        return go(local_path(visit.field("back")), said=f"It is {now:%A} {now:%Y-%m-%d %H:%M} UTC now.")

    return [frame.writing(CLOCK_PATH, move)]
