"""The stage of an engagement's opportunity in Salesforce, and a word where it and the state disagree."""

from __future__ import annotations

from dataclasses import replace

from app.machine.course import Course
from app.machine.outcome import StageMismatch
from app.machine.scene import Sign
from app.methodology.parts import IssueKind


def mismatch_key(stage: str) -> str:
    """Under which `Standing.asked` keeps that people heard of it: once for a stage, wherever the issue goes."""
    return f"stage:{stage.replace(' ', '.')}"  # a comment's marker holds no blanks


def contest_stage(course: Course, sign: Sign) -> None:
    """A person changed a label that says a stage: note whether it says another one than Salesforce did last."""
    known, rules = course.standing.opportunity, course.methodology.salesforce
    if known is None or known.stage is None or sign.is_bot or not rules.is_stage_label(sign.label):
        return
    is_against = sign.is_added != (sign.label == rules.label_of(known.stage))
    if is_against or (known.contested is not None and sign.is_added):
        course.standing = course.standing.but(opportunity=replace(known, contested=sign.id if is_against else None))


def warn_of_stage(course: Course) -> None:
    """Say once that the stage is not usual in the state; it is a warning, nothing is held back by it."""
    known = course.standing.opportunity
    if known is None or known.stage is None:
        return
    for name, track in course.methodology.tracks.items():
        place = course.standing.places.get(name)
        if track.on is not IssueKind.SCOPING or place is None or track.on not in course.scene.issues:
            continue
        usual = track.states[place.state].sfdc
        key = mismatch_key(known.stage)
        if not usual or known.stage in usual or key in course.standing.asked:
            continue
        course.standing = course.standing.but(asked={**course.standing.asked, key: 1})
        course.because(f"Salesforce is at {known.stage}, which is not usual at {track.states[place.state].title}")
        course.notices.append(StageMismatch(key, track.on, name, known.stage))
