"""The page on which the open questions of an issue are answered one by one."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import Response
from starlette.routing import BaseRoute

from app.sandbox.page_frame import Flash, Frame, Visit, spoken
from app.sandbox.page_issue import ISSUE_PATH
from app.sandbox.page_issue_forms import back
from app.sandbox.page_questions import answered, open_answers
from app.sandbox.refusals import Refused, forbidden


def answer_routes(frame: Frame) -> Sequence[BaseRoute]:
    """The page with the open questions and its form."""

    def show(visit: Visit, *, status: int = 200, flash: Flash | None = None) -> Response:
        world = visit.world
        with world.lock:
            issue = world.visible_issue(visit.user, visit.number("iid"))
            if not world.can_update(visit.user, issue):
                raise forbidden()
            title, description = issue.title, issue.description or ""
        given = visit.form
        return frame.page(
            visit,
            "answers.html",
            status=status,
            flash=flash,
            iid=visit.number("iid"),
            title=title,
            questions=open_answers(description),
            given=given,
        )

    def show_again(visit: Visit, refusal: Refused) -> Response:
        return show(visit, status=refusal.status, flash=Flash("refused", spoken(refusal, visit)))

    def write(visit: Visit) -> Response:
        world, iid = visit.world, visit.number("iid")
        given = {name: value.strip() for name, value in visit.form.items() if value.strip()}
        with world.lock:
            text = world.visible_issue(visit.user, iid).description or ""
            still_open = {answer.key for answer in open_answers(text)}
            if not given:
                raise Refused(400, {"message": "Write at least one answer."})
            world.update_issue(visit.user, iid, description=answered(text, given))
        late = len(given.keys() - still_open)
        written = f"Answers written: {len(given) - late}."
        return back(visit, f"{written} Answered by somebody else meanwhile: {late}." if late else written)

    path = f"{ISSUE_PATH}/answers"
    return [frame.reading(path, show), frame.writing(path, write, otherwise=show_again)]
