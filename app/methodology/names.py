"""Names in a methodology that lead nowhere: a label, role, state, criterion, field or segment that nobody made."""

from __future__ import annotations

from collections.abc import Iterable

from app.layers import Found, Where, one_of
from app.methodology.model import Methodology
from app.methodology.parts import Condition
from app.methodology.process import Criterion, Document, Pull
from app.methodology.telling_names import names_in_notifications
from app.submission.choices import Segment, Service
from app.submission.fields import has_field

REQUIRED_ROLES = ("em", "ta", "rdm", "leadership", "revenue", "legal", "pc", "pm")
ROUTED = ("routing.em", "routing.segment")
"""What intake fields may show besides fields of the submission."""


def dangling(methodology: Methodology) -> Found:
    """Where a name stands that leads nowhere, and what would be allowed there."""
    yield from _labels(methodology)
    yield from _roles(methodology)
    yield from _routing(methodology)
    yield from _services(methodology)
    yield from _questions(methodology)
    yield from _money_and_switches(methodology)
    yield from _documents(methodology)
    for command, roles in methodology.commands.who.items():
        yield from each_unknown(("commands", "who", command), roles, methodology.roles, what="role")
    yield from _criteria(methodology)
    yield from _gates(methodology)
    yield from _asks(methodology)
    yield from _tracks(methodology)
    yield from _moves(methodology)
    yield from _notifications(methodology)
    yield from _meetings(methodology)
    yield from _automatic_labels(methodology)


def _labels(methodology: Methodology) -> Found:
    known = methodology.labels
    for kind in ("scoping", "intake", "intake_only"):
        for index, label in enumerate(getattr(methodology.issues, kind).labels):
            yield from unknown(("issues", kind, "labels", index), label, known, what="label")
    yield from unknown(("classification", "pubsec_us"), methodology.classification.pubsec_us, known, what="label")
    for segment in Segment:
        label = methodology.classification.segment.replace("{segment}", segment.value)
        yield from unknown(("classification", "segment"), label, known, what="label")
    for service, rules in methodology.services.items():
        if rules.label is not None:
            yield from unknown(("services", service.value, "label"), rules.label, known, what="label")
    for family in methodology.label_families:
        if family.count("*") != 1:
            yield ("label_families", family), "must contain one * in place of the value"
    quarters = methodology.fiscal.label.replace("{quarter}", "*")
    yield from unknown(("fiscal", "label"), quarters, methodology.label_families, what="label family")
    for spelling, written in methodology.spellings.items():
        if written.means is not None:
            yield from unknown(("spellings", spelling, "means"), written.means, known, what="label")


def _roles(methodology: Methodology) -> Found:
    known = methodology.roles
    for role in REQUIRED_ROLES:
        if role not in known:
            yield ("roles",), f"lacks the role {role!r}"
    yield from each_unknown(("pages", "replay"), methodology.pages.replay, known, what="role")
    yield from unknown(("routing", "triage_role"), methodology.routing.triage_role, known, what="role")
    for name, stage in methodology.stages.items():
        yield from unknown(("stages", name, "dri"), stage.dri, known, what="role")
    for name, item in methodology.readiness.items():
        yield from unknown(("readiness", name, "owner"), item.owner, known, what="role")
    for name, field in methodology.intake_fields.items():
        yield from unknown(("intake_fields", name, "owner"), field.owner, known, what="role")
        yield from each_unknown(("intake_fields", name, "only"), field.only, known, what="role")


def _routing(methodology: Methodology) -> Found:
    known = methodology.routing.segments
    for segment in Segment:
        if segment not in known:
            yield ("routing", "segments"), f"lacks the segment {segment.value!r} (null means: nobody in particular)"
    for pattern, segment in methodology.routing.territories.items():
        yield from unknown(("routing", "territories", pattern), segment, known, what="segment")


def _services(methodology: Methodology) -> Found:
    for service in Service:
        if service not in methodology.services:
            yield ("services",), f"lacks the service {service.value!r}"
    for service, rules in methodology.services.items():
        for name, condition in rules.question_sets.items():
            path = ("services", service.value, "question_sets", name)
            yield from unknown(path, name, methodology.question_sets, what="question set")
            yield from _fields(path, condition)


def _questions(methodology: Methodology) -> Found:
    for name, group in methodology.question_sets.items():
        if group.answers is not None:
            yield from _fields(("question_sets", name, "answers"), [group.answers])
    for key, question in methodology.questions.items():
        for index, name in enumerate(question.sets):
            yield from unknown(("questions", key, "sets", index), name, methodology.question_sets, what="question set")
        yield from _fields(("questions", key, "from"), question.answered_by)
        yield from _fields(("questions", key, "when"), question.when)
        if question.intake is not None:
            path = ("questions", key, "intake")
            yield from unknown(path, question.intake, methodology.intake_fields, what="intake field")
    for name, field in methodology.intake_fields.items():
        sources = [source for source in field.answered_by if source not in ROUTED]
        yield from _fields(("intake_fields", name, "from"), sources)
    for field_path in methodology.words:
        yield from _fields(("words", field_path), [field_path])


def _money_and_switches(methodology: Methodology) -> Found:
    money = methodology.money
    if money.currency not in money.rates:
        yield ("money", "rates"), f"lacks the methodology's own currency {money.currency!r}"
    for name, switch in methodology.switches.items():
        yield from unknown(("switches", name, "is"), switch.chosen, switch.options, what="option")


def _documents(methodology: Methodology) -> Found:
    for document in Document:
        if document not in methodology.documents:
            yield ("documents",), f"lacks the document {document.value!r}"


def _criteria(methodology: Methodology) -> Found:
    for name, criterion in methodology.criteria.items():
        yield from unknown(("criteria", name, "owner"), criterion.owner, methodology.roles, what="role")
        if criterion.set_by is not None:
            yield from unknown(("criteria", name, "set_by"), criterion.set_by, methodology.roles, what="role")
        yield from _signs(("criteria", name), criterion, methodology)
    for name, item in methodology.readiness.items():
        yield from _signs(("readiness", name), item, methodology)


def _signs(path: Where, criterion: Criterion, methodology: Methodology) -> Found:
    boxes = [f"{stage}.{step}" for stage, rules in methodology.stages.items() for step in rules.steps]
    boxes += [f"readiness.{item}" for item in methodology.readiness]
    yield from each_unknown((*path, "ticked"), criterion.ticked, boxes, what="box to tick")
    if criterion.field is not None:
        yield from unknown((*path, "field"), criterion.field, methodology.intake_fields, what="intake field")
    yield from each_unknown((*path, "labels"), criterion.labels, methodology.labels, what="label")
    yield from each_unknown((*path, "states"), criterion.states, _states(methodology), what="state")


def _gates(methodology: Methodology) -> Found:
    for name, gate in methodology.gates.items():
        path: Where = ("gates", name)
        yield from unknown((*path, "role"), gate.role, methodology.roles, what="role")
        yield from _place(path, gate.track, methodology, before=gate.before, ask_in=gate.ask_in)
        for answer in ("asked", "passed", "failed"):
            label = getattr(gate.labels, answer)
            if label is not None:
                yield from unknown((*path, "labels", answer), label, methodology.labels, what="label")
        if gate.sends_back is not None and gate.track in methodology.tracks:
            path_of_track = methodology.tracks[gate.track].path
            yield from unknown((*path, "sends_back"), gate.sends_back, path_of_track, what="state on the path")
        for use in ("proof", "unless"):
            criterion = getattr(gate, use)
            if criterion is not None:
                yield from unknown((*path, use), criterion, methodology.criteria, what="criterion")


def _asks(methodology: Methodology) -> Found:
    for name, ask in methodology.asks.items():
        yield from each_unknown(("asks", name, "roles"), ask.roles, methodology.roles, what="role")
        yield from each_unknown(("asks", name, "missing"), ask.missing, methodology.criteria, what="criterion")


def _tracks(methodology: Methodology) -> Found:
    for track_name, track in methodology.tracks.items():
        path: Where = ("tracks", track_name)
        yield from unknown((*path, "reopened_by"), track.reopened_by, methodology.roles, what="role")
        for name, state in track.states.items():
            here = (*path, "states", name)
            if state.label is not None:
                yield from unknown((*here, "label"), state.label, methodology.labels, what="label")
            yield from unknown((*here, "stage"), state.stage, methodology.stages, what="stage")
            yield from unknown((*here, "dri"), state.dri, methodology.roles, what="role")
            yield from each_unknown((*here, "leave"), state.leave, methodology.criteria, what="criterion")
            yield from each_unknown((*here, "back"), state.back, track.states, what="state")
            yield from each_unknown((*here, "on_enter", "ask"), state.on_enter.ask, methodology.asks, what="ask")
            yield from _pulls((*here, "on_enter", "pull"), state.on_enter.pull, methodology)


def _moves(methodology: Methodology) -> Found:
    for name, move in methodology.automatic.items():
        path: Where = ("automatic", name)
        yield from _place(path, move.track, methodology, **{"from": move.only_from, "to": move.to})
        yield from each_unknown((*path, "when"), move.when, methodology.criteria, what="criterion")
    for name, start in methodology.starts.items():
        yield from each_unknown(("starts", name, "when"), start.when, methodology.criteria, what="criterion")
        yield from each_unknown(("starts", name, "ask"), start.ask, methodology.asks, what="ask")
        yield from _pulls(("starts", name, "pull"), start.pull, methodology)


def _notifications(methodology: Methodology) -> Found:
    named = names_in_notifications(
        methodology.notifications,
        channels=methodology.slack.channels,
        roles=methodology.roles,
        gates=methodology.gates,
        states=_states(methodology),
    )
    for path, what, name, allowed in named:
        yield from unknown(path, name, allowed, what=what)


def _states(methodology: Methodology) -> list[str]:
    return [f"{track}.{state}" for track, rules in methodology.tracks.items() for state in rules.states]


def _automatic_labels(methodology: Methodology) -> Found:
    for name, rules in methodology.automatic.items():
        yield from each_unknown(("automatic", name, "labels"), rules.labels, methodology.labels, what="label")


def _meetings(methodology: Methodology) -> Found:
    invited = [*methodology.roles, *methodology.staff_fields]
    for name, rules in methodology.meetings.items():
        path: Where = ("meetings", name)
        yield from each_unknown((*path, "invites"), rules.invites, invited, what="role or word of `staff`")
        if rules.field is not None:
            yield from unknown((*path, "field"), rules.field, methodology.intake_fields, what="intake field")


def _pulls(path: Where, pulls: Iterable[Pull], methodology: Methodology) -> Found:
    for index, pull in enumerate(pulls):
        yield from _place((*path, index), pull.track, methodology, **{"from": pull.only_from, "to": pull.to})


def _place(path: Where, track: str, methodology: Methodology, **named: Iterable[str] | str) -> Found:
    """A track, and states of it by the name of their key: where there is no such track, states are not judged."""
    yield from unknown((*path, "track"), track, methodology.tracks, what="track")
    if track not in methodology.tracks:
        return
    states = methodology.tracks[track].states
    for key, names in named.items():
        here = (*path, key)
        if isinstance(names, str):
            yield from unknown(here, names, states, what="state")
        else:
            yield from each_unknown(here, names, states, what="state")


def each_unknown(path: Where, names: Iterable[str], known: Iterable[str], *, what: str) -> Found:
    """Of several names, those that nobody made."""
    allowed = list(known)
    for index, name in enumerate(names):
        yield from unknown((*path, index), name, allowed, what=what)


def unknown(path: Where, name: str, known: Iterable[str], *, what: str) -> Found:
    """A name that nobody made, and what it may have meant."""
    names = list(known)
    if name not in names:
        yield path, f"no {what} is called {str(name)!r}; {one_of(names, near=name)}"


def _fields(path: Where, fields: Iterable[str] | Condition) -> Found:
    for field in fields:
        if not has_field(field):
            yield path, f"a submission has no field {field!r}"
