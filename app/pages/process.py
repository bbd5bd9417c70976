"""The process and the commands, as the methodology in force has them."""

from __future__ import annotations

from markupsafe import Markup
from starlette.responses import Response
from starlette.routing import Route

from app.command_table import as_html
from app.methodology.process import Kind
from app.pages.frame import Frame, Visit
from app.pages.house import House
from app.pages.visitor import Gatekeeper


def process_routes(house: House, frame: Frame, gatekeeper: Gatekeeper) -> list[Route]:
    """Both pages; what they show does not change while the service runs."""
    methodology = house.methodology
    commands = Markup(as_html(house.commands, methodology))  # noqa: S704  (each word of it is escaped there)

    def process(visit: Visit) -> Response:
        return frame.page(
            "process.html",
            visit.visitor,
            here="/process",
            title="Process",
            methodology=methodology,
            house=house,
            hold=Kind.HOLD,
        )

    def said(visit: Visit) -> Response:
        return frame.page(
            "commands.html",
            visit.visitor,
            here="/commands",
            title="Commands",
            commands=commands,
        )

    return [frame.reading("/process", process, gatekeeper), frame.reading("/commands", said, gatekeeper)]
