"""Commands of the scheduling: ready, staff, schedule; which fields they fill stands in the methodology."""

from __future__ import annotations

from app.blocks.words import lines, together
from app.errors import UserError
from app.hearing import About, Hearing, When
from app.machine.criteria import gaps
from app.methodology.parts import IssueKind
from app.registry import registry
from app.status_words import gap_in_words
from app.text import code_span, own
from handlers.answers import write, written
from handlers.moves import move, named_state
from handlers.names import meant, no_such

READY = "ready"


@registry.command(
    "ready",
    says="Say that the intake is complete, and hand it over for scheduling; what it still lacks is listed.",
    who=("em", "pc"),
    when=When.UNDER_WAY,
    about=About.INTAKE,
)
def ready(hearing: Hearing) -> None:
    """To the state in which a PC takes over."""
    hearing.words.end()
    name, track = hearing.track()
    to = named_state(track, READY)
    if to is None:
        raise UserError(own("This process knows no such state."))
    if hearing.course.index.is_behind(name, to, hearing.standing.places[name]):
        raise UserError(own(f"It is at **{hearing.state(name).title}** already, which is further on."))
    move(hearing, name, to)


@registry.command(
    "staff",
    usage="ROLE @USER",
    says="Name somebody for a role in the project, such as `pc`, `pm`, `pse`, `ta` or `trainer`.",
    who=("pc", "rdm", "pm", "em"),
    when=When.NOT_ENDED,
    about=About.INTAKE,
    examples=("pc @cora", "pse @tara"),
)
def staff(hearing: Hearing) -> None:
    """Into the field of that role; where several people have a role, one more."""
    key = _field(hearing, "staff", "role")
    username = hearing.words.user()
    hearing.words.end()
    if not hearing.snapshot.people.get(username):
        raise UserError(together(own("GitLab knows nobody called "), code_span(username), own(".")))
    before = written(hearing, IssueKind.INTAKE).get(key)
    if not hearing.methodology.intake_fields[key].is_list or not before:
        write(hearing, (IssueKind.INTAKE,), key, username)
        return
    names = [each.strip().lstrip("@").lower() for each in before.replace(";", ",").split(",")]
    if username.lower() in names:
        hearing.say(code_span(username), own(" is named there already."))
        return
    write(hearing, (IssueKind.INTAKE,), key, f"{before}, {username}")
    hearing.said.clear()  # nothing was replaced


@registry.command(
    "schedule",
    usage="DATE",
    says="Put the agreed start down; an intake that is staffed, and won or at risk by approval, is scheduled with it.",
    who=("pm", "pc"),
    when=When.NOT_ENDED,
    about=About.INTAKE,
    examples=("2099-01-11", "11 Jan 2099"),
)
def schedule(hearing: Hearing) -> None:
    """Into the fields of the schedule, and on to the last state where nothing is missing for it."""
    name, track = hearing.track()
    day = hearing.words.needed_day()
    hearing.words.end()
    if day < hearing.today:
        raise UserError(together(code_span(day.isoformat()), own(" has passed: the agreed start lies ahead.")))
    keys = _fields(hearing, "schedule")
    if not keys:
        raise UserError(own("The methodology has no field for it."))
    for key in keys.values():
        write(hearing, (IssueKind.INTAKE,), key, day.isoformat())
    hearing.said[1:] = []  # one sentence about what stood there before is enough
    place = hearing.standing.places[name]
    if place.state == track.path[-1]:
        return
    lacks = gaps(track.states[place.state].leave, hearing.standing, hearing.course.scene, hearing.methodology)
    last = track.states[track.path[-1]]
    if place.state == track.path[-2] and not lacks:
        move(hearing, name, track.path[-1])
    elif place.state == track.path[-2]:
        titles = lines(*(together(own("- "), gap_in_words(gap, hearing.methodology)) for gap in lacks))
        hearing.say(own(f"The day is put down. Before it is **{last.title}** this has to be there:\n\n"), titles)
    else:
        here = f"It is at **{hearing.state(name).title}** and will be **{last.title}** when it is staffed and won."
        hearing.say(own(f"The day is put down. {here}"))


def _fields(hearing: Hearing, verb: str) -> dict[str, str]:
    """What may stand behind a verb → the intake field that it fills."""
    found: dict[str, str] = {}
    for key, field in hearing.methodology.intake_fields.items():
        first, _, word = (field.written_by or "").partition(" ")
        if first == verb:
            found[word or key] = key
    return found


def _field(hearing: Hearing, verb: str, what: str) -> str:
    """The field that the next word names. Raises UserError."""
    hearing.demand_engagement()
    fields = _fields(hearing, verb)
    word = hearing.words.word()
    found = None if word is None else meant(word, fields)
    if found is None:
        raise no_such(what, word, fields)
    return fields[found]
