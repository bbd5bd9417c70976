"""What others decide in Salesforce: their yes is somebody's word about the SOW as it is now, as one said by command is.

Only a status that changed says something, and only of the SOW that they were asked about: an old yes says nothing of
a newer one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from app.machine.course import Course
from app.machine.outcome import RefusedElsewhere
from app.machine.papers import digest_of, mark_about
from app.machine.standing import Standing
from app.machine.timeline import said, with_time
from app.methodology.parts import IssueKind
from app.methodology.process import Document, Matter
from app.methodology.salesforce import SAYING_OF
from app.opportunity import SALESFORCE, ask_key

CLOCKS_APART_S: Final = 60.0
"""By so much Salesforce's clock and GitLab's may differ."""


def hear_elsewhere(course: Course, matter: Matter, status: str | None, at: float) -> None:
    """A status as it was read; the standing must know of the opportunity."""
    known, rules = course.standing.opportunity, course.methodology.salesforce.elsewhere.get(matter)
    if rules is None or known is None or known.said.get(matter) == status:
        return
    sow = course.standing.papers.get(Document.SOW)
    is_asked = matter in known.asked
    if rules.is_given(status) and (sow is None or (not is_asked and at + CLOCKS_APART_S < sow.at)):
        course.because(f"Salesforce says {status} ({matter}), and it was said before there was this SOW")
        return  # said again when there is one, it counts
    others = {each: word for each, word in known.said.items() if each != matter}
    heard = replace(known, said=others if status is None else {**others, matter.value: status})
    now = digest_of(Document.SOW, course.standing, course.methodology)
    is_of_this_sow = known.asked.get(matter, now) == now
    if not is_of_this_sow and (rules.is_given(status) or rules.is_refused(status)):
        # they were at work on the SOW before, and can be asked about this one now
        heard = replace(heard, wished={name: each for name, each in heard.wished.items() if name != ask_key(matter)})
    course.standing = course.standing.but(opportunity=heard)
    saying = SAYING_OF[matter].value
    if rules.is_given(status) and is_of_this_sow:
        mark = mark_about(Document.SOW, course.standing, course.methodology, by=SALESFORCE, at=at)
        course.standing = course.standing.with_marks({**course.standing.marks, saying: mark})
        course.standing = with_time(course.standing, said(saying), at)
        course.because(f"Salesforce says {status} ({matter})")
    else:
        course.standing = _without_its_word(course.standing, saying)
    if rules.is_refused(status) and status is not None and IssueKind.SCOPING in course.scene.issues:
        course.because(f"Salesforce says {status} ({matter})")
        course.notices.append(RefusedElsewhere(f"refused:{matter}:{int(at)}", IssueKind.SCOPING, matter.value, status))


def _without_its_word(standing: Standing, saying: str) -> Standing:
    """What a person said by command stays."""
    mark = standing.marks.get(saying)
    if mark is None or mark.by != SALESFORCE:
        return standing
    return standing.with_marks({name: each for name, each in standing.marks.items() if name != saying})
