"""The web pages of the sandbox GitLab, for people who want to play the process in a browser.

`page_routes(world)` gives the routes; `create_sandbox_app(world, extra_routes=page_routes(world))` takes them. The
pages read the world and write through it as the person chosen at the top, so webhooks go out as from a real GitLab.
"""

from __future__ import annotations

from importlib.resources import files
from urllib.parse import quote

from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from app.clock import MovableClock
from app.sandbox.outbound import OutboundSender
from app.sandbox.page_answers import answer_routes
from app.sandbox.page_board import board_routes
from app.sandbox.page_clock import clock_routes
from app.sandbox.page_deliveries import Deliveries, delivery_routes
from app.sandbox.page_frame import HEADERS, PERSON_COOKIE, Frame, Visit, go, local_path
from app.sandbox.page_issue import IssuePage
from app.sandbox.page_issue_forms import form_routes
from app.sandbox.page_issues import issues_routes
from app.sandbox.page_markdown import UPLOADS_PATH
from app.sandbox.page_references import ISSUES_PATH
from app.sandbox.page_salesforce import salesforce_page_routes
from app.sandbox.page_slack import slack_page_routes
from app.sandbox.page_views import actors, visible_rows
from app.sandbox.records import AccessLevel
from app.sandbox.refusals import not_found
from app.sandbox.slack import SlackWorld
from app.sandbox.state import PROJECT_PATH
from app.sandbox.world import World

PERSON_LIFE_S = 30 * 86_400


def page_routes(
    world: World,
    *,
    clock: MovableClock | None = None,
    slack: SlackWorld | None = None,
    salesforce: OutboundSender | None = None,
) -> list[BaseRoute]:
    """Routes of all pages of this world; they answer every path that is left, so they come last.

    `clock`: the one that the world and the bot go by, where people may move it. `slack`: where the bot speaks as well.
    `salesforce`: which tells the bot what people do there.
    """
    frame = Frame(world)
    deliveries = Deliveries(world)
    issue_page = IssuePage(frame, deliveries)
    return [
        Mount("/-/static", StaticFiles(directory=str(files("app.sandbox") / "static"))),
        frame.reading("/", lambda visit: _show_start(frame, visit, deliveries)),
        frame.reading("/-/version", _tell_version),
        frame.writing("/-/people/switch", _switch_person),
        *(frame.reading(path, _lead_to_issues) for path in (f"/{PROJECT_PATH}", f"/{PROJECT_PATH}/")),
        *issues_routes(frame),
        *([] if clock is None else clock_routes(frame, clock)),
        *([] if slack is None else slack_page_routes(frame, slack)),
        *([] if salesforce is None else salesforce_page_routes(frame, salesforce.world, salesforce)),
        *answer_routes(frame),
        *form_routes(frame, issue_page),
        *issue_page.routes(),
        *board_routes(frame),
        *delivery_routes(frame, deliveries),
        frame.reading(f"{UPLOADS_PATH}/{{secret}}/{{filename}}", _download),
        Route("/favicon.ico", lambda _: RedirectResponse("/-/static/icon.svg"), methods=["GET"]),
        frame.reading("/{rest:path}", _find_nothing),
    ]


def _show_start(frame: Frame, visit: Visit, deliveries: Deliveries) -> Response:
    rows, latest = visible_rows(visit.world, visit.user), deliveries.rows(visit.user)[:5]
    people = actors(visit.world)
    return frame.page(visit, "start.html", people=people, rows=rows[:5], total=len(rows), deliveries=latest)


def _tell_version(visit: Visit) -> Response:
    """A word that changes with whatever can be seen, and the time of the sandbox in milliseconds."""
    now_ms = round(visit.world.now().timestamp() * 1_000)
    answer = {"version": visit.version, "now_ms": now_ms}
    return JSONResponse(answer, headers={"Cache-Control": "no-store"})


def _switch_person(visit: Visit) -> Response:
    username = visit.field("person")
    person = next((each for each in actors(visit.world) if each.username == username), None)
    if person is None:
        raise not_found("Person Not Found")
    response = go(local_path(visit.field("back")), said=f"You act as {person.name} now ({person.duty}).")
    response.set_cookie(PERSON_COOKIE, username, path="/", max_age=PERSON_LIFE_S, httponly=True, samesite="lax")
    return response


def _download(visit: Visit) -> Response:
    """A file somebody uploaded; it is saved, never shown, whatever it claims to be."""
    visit.world.demand(visit.user, AccessLevel.GUEST)
    kept = visit.world.uploaded(visit.request.path_params["secret"], visit.request.path_params["filename"])
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(kept.filename)}", **HEADERS}
    return Response(kept.content, media_type="application/octet-stream", headers=headers)


def _lead_to_issues(_visit: Visit) -> Response:
    return RedirectResponse(ISSUES_PATH, 303)


def _find_nothing(_visit: Visit) -> Response:
    raise not_found("Page Not Found")
