"""All pages, and what they are made to look with."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.pages.board import board_routes
from app.pages.deliveries import delivery_routes
from app.pages.engagement import engagement_routes
from app.pages.frame import HEADERS, Frame
from app.pages.house import House
from app.pages.process import process_routes
from app.pages.reports import report_routes
from app.pages.visitor import Gatekeeper

STATIC: Final = {"pages.css": "text/css", "icon.svg": "image/svg+xml"}
KEPT_S: Final = 3600


def page_routes(house: House, frame: Frame, gatekeeper: Gatekeeper) -> list[Route]:
    """All pages. Each is a route of its own, so that what the doors refuse stays theirs to refuse."""
    return [
        *board_routes(house, frame, gatekeeper),
        *engagement_routes(house, frame, gatekeeper),
        *report_routes(house, frame, gatekeeper),
        *delivery_routes(house, frame, gatekeeper),
        *process_routes(house, frame, gatekeeper),
        *gatekeeper.routes(),
        *(_static(name, kind) for name, kind in STATIC.items()),
    ]


def _static(name: str, kind: str) -> Route:
    content = (files("app.pages") / "static" / name).read_bytes()
    headers = {**HEADERS, "Cache-Control": f"public, max-age={KEPT_S}"}

    async def endpoint(_: Request) -> Response:
        return Response(content, media_type=kind, headers=headers)

    return Route(f"/static/{name}", endpoint, methods=["GET"])
