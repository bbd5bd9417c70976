"""`python -m benchmarks.decisions`: how many decisions the machine makes in a second on one core, as a table.

The machine alone: neither reading from GitLab nor writing is in it. The second column is a methodology three times as
large: as many tracks, gates, criteria and automatic moves again, twice, on the same two issues.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from app.machine.machine import proceed
from app.machine.outcome import Outcome
from app.machine.papers import digest_of
from app.machine.scene import IssueView, Scene, Sign
from app.machine.standing import Approval, Paper, Place, Standing, Verdict
from app.methodology import Methodology, load_methodology
from app.methodology.parts import IssueKind

ROUNDS = 7
ROUND_S = 0.3
SCOPING, INTAKE = IssueKind.SCOPING, IssueKind.INTAKE
OWN = ("proposal", "intake")
HOLDERS = {"em": frozenset({"erin"}), "ta": frozenset({"tara"}), "rdm": frozenset({"ravi"})}
PAPERS = {"estimate": Paper(1, "alice", 0.0, amount=Decimal(62000), currency="USD")}
TA_YES = {"ta": Approval(Verdict.PASSED, "tara", 1.0, 1)}
BESIDE = frozenset({"Services Calculator", "Segment::Ent_EMEA", "Service: Migration", "EM_Status::ToDo", "bug"})

EVENTS: Mapping[str, tuple[str, str, str, Mapping[str, Approval]]] = {
    "a move": ("strawman_wip", "erin", "proposal::Estimate_Feedback", TA_YES),
    "a move that a gate holds back": ("estimate_feedback", "erin", "proposal::SOW_WIP", {}),
    "a label of others": ("strawman_wip", "erin", "Service: Training", {}),
    "a yes at a gate": ("estimate_feedback", "tara", "TA::Approved", {}),
}


def main() -> None:
    """Measure and print."""
    own = load_methodology()
    print("| decisions a second, one core | as it ships | three times as large |")
    print("| --- | --- | --- |")
    large = larger(own, times=3)
    for name, event in EVENTS.items():
        figures = [per_second(case(event, methodology)) for methodology in (own, large)]
        print(f"| {name} | {figures[0]:,.0f} | {figures[1]:,.0f} |")


def case(event: tuple[str, str, str, Mapping[str, Approval]], methodology: Methodology) -> Callable[[], Outcome]:
    """One event at an engagement that is under way, to be decided again and again."""
    state, by, label, approvals = event
    places = {"proposal": Place(state, 1.0), "intake": Place("needs_info", 1.0)}
    ready = Standing(papers=PAPERS, begun_at=0.0, asked={"ta": 1}, seen={"scoping": 8})
    bound = {
        name: replace(each, digest=digest_of(methodology.gates[name].document, ready, methodology))
        for name, each in approvals.items()
    }
    ready = replace(ready, approvals=bound)
    ready = proceed(
        ready, (), (), scene_with(state, methodology, is_passed=bool(approvals)), methodology, now=1.0
    ).standing
    standing = Standing(**{**_fields(ready), "places": {**ready.places, **places}})
    scene = scene_with(state, methodology, label, is_passed=bool(approvals))
    sign = Sign(9, SCOPING, label, True, by, 2.0)
    return lambda: proceed(standing, (sign,), (), scene, methodology, now=2.0, quarter="close_qtr::Q427")


def scene_with(state: str, methodology: Methodology, *labels: str, is_passed: bool) -> Scene:
    """Both issues, with the labels that they have in such a state, and these."""
    own = methodology.tracks["proposal"].states[state].label
    asked = "TA::Approved" if is_passed else "TA::Needs-Review"
    scoping = BESIDE | {label for label in (own, asked, *labels) if label is not None}
    copies = {track.states[track.start].label for name, track in methodology.tracks.items() if name not in OWN}
    ours = {"Project Scheduling Intake", "Intake::Needs-Info", "Public Sector US"}
    intake = frozenset(label for label in ours | copies if label is not None)
    return Scene(
        issues={SCOPING: IssueView(scoping, True, frozenset({"erin"})), INTAKE: IssueView(intake, True)},
        holders=HOLDERS,
        ticked=frozenset({"positioning.meddpicc", "scoping.estimate"}),
        fields_missing=("sow_link", "language"),
        has_segment=True,
    )


def per_second(decide: Callable[[], Outcome]) -> float:
    """The median over a few rounds."""
    found = []
    for _ in range(ROUNDS):
        count, began = 0, time.perf_counter()
        while (spent := time.perf_counter() - began) < ROUND_S:
            for _ in range(100):
                decide()
            count += 100
        found.append(count / spent)
    return statistics.median(found)


def larger(methodology: Methodology, *, times: int) -> Methodology:
    """The same with copies of its process beside it: other names, other scopes, on the same issues."""
    content: dict[str, Any] = methodology.model_dump(mode="json", by_alias=True)
    process = ("tracks", "gates", "criteria", "automatic", "starts", "asks")
    grown = {part: dict(content[part]) for part in process}
    for number in range(2, times + 1):
        for part in process:
            for key, block in content[part].items():
                grown[part][f"{key}_{number}"] = _copied(block, number, content)
    return Methodology.model_validate({**content, **grown})


_NAMES = ("track", "proof", "unless")
_LISTS = ("when", "leave", "ask", "missing")


def _copied(block: Any, number: int, content: Mapping[str, Any], *, key: str = "") -> Any:
    """A block whose names and labels lead into its own copy of the process."""
    if isinstance(block, dict):
        return {name: _copied(each, number, content, key=name) for name, each in block.items()}
    if isinstance(block, list):
        return [_copied(each, number, content, key=key) for each in block]
    if not isinstance(block, str):
        return block
    if key == "states":
        track, state = block.split(".")
        return f"{track}_{number}.{state}"
    if key == "scope" or (key in {"label", "asked", "passed", "failed"} and "::" in block):
        return f"Copy {number} {block}"
    return f"{block}_{number}" if key in (*_NAMES, *_LISTS) else block


def _fields(standing: Standing) -> dict[str, Any]:
    return {name: getattr(standing, name) for name in standing.__slots__}


if __name__ == "__main__":
    main()
