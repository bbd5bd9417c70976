"""The reports as plots with their tables, and each as a CSV file."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from typing import Final

from sqlalchemy import Connection
from starlette.responses import Response
from starlette.routing import Route

from app.clock import at
from app.pages.frame import HEADERS, Frame, NotThere, Visit
from app.pages.house import House
from app.pages.plots import plot
from app.pages.visitor import Gatekeeper
from app.reports import Cell, Material, Report, made, names, scoping_track
from app.store import lists

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def report_routes(house: House, frame: Frame, gatekeeper: Gatekeeper) -> list[Route]:
    """The page of all reports, and the file of each."""

    def material(visit: Visit) -> tuple[Material, Material]:
        """All that this visitor may see, and what of it is asked for."""
        track = scoping_track(house.methodology)
        everything = house.read()(lambda c: _look(c, track, house))
        shown = everything if visit.visitor.sees_confidential else _open_ones(everything)
        return shown, shown.only(quarter=visit.asked("quarter") or None, segment=visit.asked("segment") or None)

    def reports(visit: Visit) -> Response:
        everything, wanted = material(visit)
        found = [made(name, wanted) for name in names()]
        return frame.page(
            "reports.html",
            visit.visitor,
            here="/reports",
            title="Reports",
            reports=[(each, plot(each)) for each in found],
            quarters=everything.quarters,
            segments=everything.segments,
            quarter=visit.asked("quarter"),
            segment=visit.asked("segment"),
            count=len(wanted.engagements),
        )

    def as_file(visit: Visit) -> Response:
        name = visit.path["name"]
        if name not in names():
            raise NotThere
        headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{name}.csv"'}
        return Response(_csv(made(name, material(visit)[1])), media_type="text/csv; charset=utf-8", headers=headers)

    return [
        frame.reading("/reports", reports, gatekeeper),
        frame.reading("/reports/{name}.csv", as_file, gatekeeper),
    ]


def _look(connection: Connection, track: str, house: House) -> Material:
    return Material(
        lists.on_track(connection, track),
        lists.entered(connection, track),
        lists.judged(connection),
        house.methodology,
        at(house.clock()),
    )


def _open_ones(material: Material) -> Material:
    hidden = {each.engagement_id for each in material.engagements if each.is_confidential}
    return Material(
        [each for each in material.engagements if each.engagement_id not in hidden],
        [each for each in material.entered if each.engagement_id not in hidden],
        [each for each in material.judged if each.engagement_id not in hidden],
        material.methodology,
        material.now,
    )


def _csv(report: Report) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(report.columns)
    writer.writerows([_inert(value) for value in row] for row in report.rows)
    return text.getvalue()


def _inert(value: Cell) -> Cell:
    """A spreadsheet takes text that begins so for a formula; numbers are ours."""
    is_formula = isinstance(value, str) and value.startswith(_FORMULA)
    return f"'{value}" if is_formula else str(value) if isinstance(value, Decimal) else value
