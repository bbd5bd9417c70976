"""Commands that move an issue along its track: next, back, stage, submit, hold, resume."""

from __future__ import annotations

from dataclasses import replace

from app.blocks.words import lines, together
from app.commands import Words
from app.errors import NotAllowed, UserError
from app.hearing import About, Hearing, Moved, When
from app.machine.gates import Missing, held_back
from app.machine.outcome import MovedBack
from app.machine.standing import Place, Return
from app.methodology.process import Kind, State, Track
from app.methodology.spelling import plain
from app.notices import missing_gate
from app.registry import registry
from app.status_words import SAID_OF
from app.text import Safe, code_span, own
from handlers.lateness import PAUSE, claim, overtaken
from handlers.names import meant_perhaps, no_such
from handlers.speech import leads_of

OUTDATED_AFTER_S = 60.0
"""An order that is older than the latest move by more than this was found late, and would move on from elsewhere.

GitLab promises no order of deliveries, but those of two comments are seconds apart and not minutes.
"""
MOST_RETURNS = 5
MOVERS = ("em", "pc", "pm", "leadership")


@registry.command(
    "next",
    says="Move the issue on to its next state; what is missing is listed, and a gate that is not passed holds it.",
    who=MOVERS,
    when=When.UNDER_WAY,
    about=About.HERE,
)
def go_on(hearing: Hearing) -> None:
    """One state on, on the track of the issue."""
    hearing.words.end()
    name, track = hearing.track()
    place = hearing.standing.places[name]
    at = track.path.index(place.state) + 1
    if at == len(track.path):
        raise UserError(own(f"**{track.states[place.state].title}** is the last state."))
    _may_go_to(hearing, name, track.path[at])
    move(hearing, name, track.path[at])


@registry.command(
    "back",
    usage="[REASON]",
    says="Move the issue back to the state before, which opens again what was reviewed since.",
    who=MOVERS,
    when=When.UNDER_WAY,
    about=About.HERE,
    examples=("", "the customer wants fewer waves"),
)
def go_back(hearing: Hearing) -> None:
    """To where this state usually goes back to, else one state back."""
    name, track = hearing.track()
    place = hearing.standing.places[name]
    state, at = track.states[place.state], track.path.index(place.state)
    if at == 0 and not state.back:
        raise UserError(own(f"**{state.title}** is the first state: there is nothing before it."))
    to = state.back[0] if state.back else track.path[at - 1]
    move(hearing, name, to)
    _tell_of_return(hearing, Return(name, place.state, to, hearing.by, hearing.at, hearing.reason()))


def _tell_of_return(hearing: Hearing, made: Return) -> None:
    """It is kept, to be told by `status`; whoever leads there hears of it, unless they did it."""
    course, track = hearing.course, hearing.methodology.tracks[made.track]
    course.standing = course.standing.but(returns=(*course.standing.returns, made)[-MOST_RETURNS:])
    dri = track.states[made.to].dri
    leads = leads_of(course.scene, hearing.playbook).get(dri) or hearing.people.get(dri, ())
    if made.by.lower() not in {name.lower() for name in leads}:
        key = f"back:{made.track}:{made.to}:{int(made.at)}"
        course.notices.append(MovedBack(key, track.on, made.track, made.by, made.words))


@registry.command(
    "stage",
    usage="STATE",
    says="Move the issue to any state by its name.",
    who=MOVERS,
    when=When.ALWAYS,
    about=About.HERE,
    examples=("SOW_WIP", '"Estimate Feedback"'),
)
def go_to(hearing: Hearing) -> None:
    """A state of the track of this issue, or of the other one where only that has such a state."""
    wanted = hearing.words.rest()
    if wanted is None:
        raise no_such("state", None, _names_of(hearing.track()[1]))
    name, _ = hearing.track()
    tracks = [name, *(other for other in hearing.standing.places if other != name)]
    for each in tracks:
        found = named_state(hearing.methodology.tracks[each], wanted)
        if found is not None:
            _may_go_to(hearing, each, found)
            move(hearing, each, found)
            return
    raise no_such("state", wanted, _names_of(hearing.methodology.tracks[name]))


@registry.command(
    "submit",
    says="Submit the SOW for the decision of PS leadership.",
    who=("em",),
    when=When.UNDER_WAY,
)
def submit(hearing: Hearing) -> None:
    """To the state in which the one decision whose yes is a state of its track is asked for."""
    hearing.words.end()
    for gate, _, _ in hearing.course.index.yes_moves:
        rules = hearing.methodology.gates[gate]
        if rules.ask_in:
            move(hearing, rules.track, rules.ask_in[0])
            return
    raise UserError(own("In this process nothing is submitted for a decision."))


@registry.command(
    "hold",
    usage="[until DATE] [REASON]",
    says="Put the engagement on hold because the timing slipped; it comes back to the state it left.",
    who=("em", "leadership"),
    examples=("", "until 2099-02-01 budget moves to next year", "waiting for the merger"),
)
def hold(hearing: Hearing) -> None:
    """To the state that pauses; said again, it changes the day and the reason."""
    until = None
    if hearing.words.take({"until", "till"}):
        day = hearing.words.needed_day()
        until = day.isoformat()
        if day <= hearing.today:
            raise UserError(together(own("The day has to lie ahead, and "), code_span(until), own(" does not.")))
    else:
        _no_day_is_lost(hearing)
    reason = hearing.reason()
    name, to = of_kind(hearing, Kind.HOLD, "be put on hold")
    place = hearing.standing.places[name]
    if not claim(hearing, PAUSE):
        raise overtaken(own("Something else was said of it"))
    if place.state == to:
        course = hearing.course
        until, reason = until or place.until, reason or place.words  # what is not said anew stays as it was
        course.standing = course.standing.at(name, replace(place, until=until, words=reason))
        course.because(f"{hearing.methodology.tracks[name].title}: on hold until {until or 'further notice'}")
        return
    move(hearing, name, to, until=until, words=reason)


def _no_day_is_lost(hearing: Hearing) -> None:
    """Raises UserError where a day stands at the beginning of what would be taken for a reason: `untill 2099-02-01`."""
    words = Words(hearing.words.text)
    first = words.peek() or ""
    if words.day() is None:
        words.word()
        if not meant_perhaps(first, ("until", "till")) or words.day() is None:
            return
    raise UserError(together(own("Did you mean "), hearing.form("hold until DATE"), own("?")))


@registry.command(
    "resume",
    says="Take the engagement off hold, or open it again after its end; it goes back to the state it left.",
    who=("em", "leadership"),
    when=When.PAUSED,
    about=About.PAUSED,
)
def resume(hearing: Hearing) -> None:
    """Back to where it was."""
    hearing.words.end()
    name, track = hearing.track()
    was = track.states[hearing.standing.places[name].state]
    if not claim(hearing, PAUSE):
        raise overtaken(own("Something else was said of it"))
    move(hearing, name, hearing.course.go_back_to(name))
    if was.is_end:
        hearing.course.revived.add(name)


def _may_go_to(hearing: Hearing, name: str, to: str) -> None:
    """What has a command of its own is for those who may say that, and in its form. Raises UserError."""
    state = hearing.methodology.tracks[name].states[to]
    verb = SAID_OF.get(state.kind, "").partition(" ")[0]
    if not verb:
        return
    command = registry.single[verb]
    is_for = command.roles(hearing.methodology)
    if verb == "lost" or not hearing.holds(*is_for):
        say = together(own(f"For **{state.title}** say "), hearing.usage(command), own("."))
        raise NotAllowed(say, reason=f"that is for {hearing.titles(is_for)}")


def move(hearing: Hearing, name: str, to: str, *, until: str | None = None, words: str | None = None) -> None:
    """A move by command: gates hold it back as they hold back a label; what only lacks is listed. Raises UserError."""
    course, track = hearing.course, hearing.methodology.tracks[name]
    place, target = hearing.standing.places[name], track.states[to]
    state = track.states[place.state]
    if place.state == to:
        hearing.say(own(f"It is at **{target.title}** already."))
        return
    if place.since - hearing.at > OUTDATED_AFTER_S:
        raise NotAllowed(own(f"It was moved to **{state.title}** after you had written that, so I left it there."))
    if state.is_end and not hearing.holds(track.reopened_by):
        ended = own(f"It has ended (**{state.title}**). Opening it again is for: ")
        who = together(ended, hearing.role(track.reopened_by), own("."))
        raise NotAllowed(who, reason=f"opening it again is for {hearing.titles([track.reopened_by])}")
    goes_back = not state.is_end and course.index.is_behind(name, to, place)
    missing = () if goes_back else held_back(name, to, hearing.standing, course.scene, hearing.methodology)
    if missing:
        gates = ", ".join(each.title for each in missing)
        raise NotAllowed(_held_back(hearing, target, missing), reason=f"missing: {gates}")
    hearing.moved = Moved(name, to, _left_behind(track, place, to))
    course.enter(name, to, at=hearing.at, until=until, words=words)
    course.decline(name, place)


def named_state(track: Track, words: str) -> str | None:
    """The state that somebody means by its key, title or label, whatever the case and the signs between the words."""
    wanted = plain(words.removeprefix(f"{track.scope}::"))
    for name, state in track.states.items():
        known = {plain(name), plain(state.title), plain((state.label or name).rpartition("::")[2])}
        if wanted in known:
            return name
    return None


def _held_back(hearing: Hearing, target: State, missing: tuple[Missing, ...]) -> Safe:
    speech = hearing.speech()
    gates = lines(*(missing_gate(each, speech, hearing.methodology) for each in missing))
    return lines(own(f"Before **{target.title}** this has to be there:"), own(""), gates)


def _left_behind(track: Track, place: Place, to: str) -> tuple[str, ...]:
    """What the states that are left behind should have had."""
    path = track.path
    if place.state not in path or to not in path or path.index(to) < path.index(place.state):
        return ()
    passed = path[path.index(place.state) : path.index(to)]
    return tuple(dict.fromkeys(name for state in passed for name in track.states[state].leave))


def of_kind(hearing: Hearing, kind: Kind, what: str) -> tuple[str, str]:
    """The track and its state of a kind: the scoping's where it has one."""
    first, _ = hearing.track(About.SCOPING)
    for name in (first, *hearing.standing.places):
        found = hearing.methodology.tracks[name].of_kind(kind)
        if found is not None:
            return name, found
    raise UserError(own(f"In this process an engagement cannot {what}."))


def _names_of(track: Track) -> list[str]:
    """The states as their labels call them."""
    return [(state.label or state.title).rpartition("::")[2] for state in track.states.values()]
