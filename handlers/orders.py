"""The commands of one comment, carried out one after the other: who may, all or nothing each, and what is answered."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import partial

from app.blocks.words import joined, together
from app.commands import Line, Words, command_lines
from app.errors import NotAllowed, Retry, UserError
from app.hearing import Command, Hearing, Ledger, Moved, Occasion, When, is_possible, paused_track
from app.issue_text import Playbook
from app.machine.course import Course
from app.machine.criteria import gaps
from app.machine.deeds import Deed
from app.machine.scene import Scene
from app.machine.standing import Standing
from app.registry import registry
from app.status_words import gap_in_words
from app.text import Safe, code_span, own
from handlers.speech import people_of_roles

LIKE_ENOUGH = 0.6
SURELY_MEANT = 0.75
RESUME = "resume"


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of one line; `words`: what there is to say about it."""

    line: Line
    is_done: bool
    words: tuple[Safe, ...] = ()
    moved: Moved | None = None


def find(line: Line, playbook: Playbook) -> tuple[Command | None, str]:
    """The command that a line names (two words before one), and what stands behind its name."""
    commands = registry.commands(playbook.methodology)
    first, _, rest = line.rest.partition(" ")
    two = f"{line.verb} {first.lower().removeprefix('@').rstrip('.,:;!')}"
    if first and two in commands:
        return commands[two], rest
    return commands.get(line.verb), line.rest


def lines_meant(body: str, playbook: Playbook, bot: str) -> list[Line]:
    """The commands of a comment. Somebody who only talks to the bot has given none."""
    found = command_lines(body, prefix=playbook.methodology.commands.prefix, bot=bot)
    return [line for line in found if _is_meant(line, playbook)]


def _is_meant(line: Line, playbook: Playbook) -> bool:
    """Whether a line is a command, or was meant to be one: somebody who only talks to the bot has given none."""
    if not line.is_addressed or not line.verb or find(line, playbook)[0] is not None:
        return True  # a mention and no more is a question as well
    return bool(_beside(line, playbook)) or _likely(line, playbook, cutoff=SURELY_MEANT) is not None


@dataclass(slots=True, kw_only=True)
class Orders(Occasion):
    """The new commands of a comment, and what became of each."""

    lines: Sequence[Line]
    answered: list[Answered] = field(default_factory=list)

    def deeds(self, ledger: Ledger, look: Callable[[Course], None]) -> tuple[Deed, ...]:
        """What the machine meets, one for each line, at the time of the comment."""
        return tuple(Deed(self.at, self.by, partial(self._do, line, ledger, look)) for line in self.lines)

    def demand_role(self, command: Command) -> None:
        """Raises UserError where somebody may not use a command on an issue that is no engagement (yet)."""
        wanted = command.roles(self.methodology)
        held = self.snapshot.holders
        if wanted and not any(self.by.lower() in held.get(role, frozenset()) for role in wanted):
            titles = [rules.title for role, rules in self.methodology.roles.items() if role in wanted]
            raise NotAllowed(own(f"That is for: {', '.join(titles)}."), reason=f"that is for {self.titles(wanted)}")

    def without_engagement(self) -> None:
        """Carry out what can be said on an issue that is none."""
        for line in self.lines:
            self._do(line, Ledger({}), lambda _: None, None)

    def _do(self, line: Line, ledger: Ledger, look: Callable[[Course], None], course: Course | None) -> None:
        """Raises nothing but Retry, where it is not known yet who may."""
        command, rest = find(line, self.playbook)
        if command is None:
            self.answered.append(Answered(line, False, (self._unknown(line),)))
            return
        prefix = self.methodology.commands.prefix
        hearing = self._hearing(line, command, rest, ledger, look, course)
        if course is not None:
            course.cause = f"{self.by} said {prefix} {command.name}"
        back = hearing.keep()
        try:
            self._may(hearing)
            command.carry_out(hearing)
        except UserError as fault:
            back()
            if course is not None:
                course.because(f"refused, {fault.reason}")
                course.cause = ""  # what follows by itself does not follow from this
            # the right form helps where the words were wrong, not where it was the wrong person
            is_form = bool(command.usage) and not isinstance(fault, NotAllowed)
            form = together(self._meant_beside(line), own("The right form: "), hearing.usage(command), own("."))
            self.answered.append(Answered(line, False, (fault.words, form) if is_form else (fault.words,)))
            return
        self.answered.append(Answered(line, True, tuple(hearing.said), hearing.moved))

    def conclude(self, standing: Standing, scene: Scene) -> None:
        """Where it stands, and what is open from before: said once, when all is done that the comment brought about."""
        for name in dict.fromkeys(each.moved.track for each in self.answered if each.moved is not None):
            moves = [(number, each.moved) for number, each in enumerate(self.answered) if each.moved is not None]
            number, last = [(number, moved) for number, moved in moves if moved.track == name][-1]
            behind = dict.fromkeys(key for _, moved in moves if moved.track == name for key in moved.behind)
            lacks = gaps(tuple(behind), standing, scene, self.methodology)
            here = standing.places[name].state
            if lacks or here != last.to:
                words = self._where(name, here, [gap_in_words(gap, self.methodology) for gap in lacks])
                self.answered[number] = replace(self.answered[number], words=(*self.answered[number].words, words))

    def _where(self, track: str, here: str, lacks: Sequence[Safe]) -> Safe:
        it_is = own(f"It is at **{self.methodology.tracks[track].states[here].title}** now.")
        return together(it_is, own(" Open from before: "), joined(lacks, own("; ")), own(".")) if lacks else it_is

    def _hearing(
        self,
        line: Line,
        command: Command,
        rest: str,
        ledger: Ledger,
        look: Callable[[Course], None],
        course: Course | None,
    ) -> Hearing:
        engagement = self.engagement
        segment = None if course is None else course.scene.segment
        return Hearing(
            **{each.name: getattr(self, each.name) for each in fields(Occasion)},
            command=command,
            words=Words(rest),
            is_addressed=line.is_addressed,
            placed=course,
            ledger=ledger,
            people={} if engagement is None else people_of_roles(engagement, self.playbook, segment),
            look=(lambda: None) if course is None else partial(look, course),
        )

    def _may(self, hearing: Hearing) -> None:
        """Raises UserError where the issue is none, the person is not one of those who may, or the state is wrong."""
        command, methodology = hearing.command, self.methodology
        if hearing.placed is None:
            if not command.is_free:
                raise NotAllowed(hearing.not_yet_adopted())
            self.demand_role(command)
            return
        wanted = command.roles(methodology)
        roles = [role for role in wanted if role in methodology.roles]
        if wanted and not (roles and hearing.holds(*roles)):
            self._refuse(hearing, roles)
        name, track = hearing.track()
        if not is_possible(command, name, hearing.standing, methodology):
            if not track.states[hearing.standing.places[name].state].is_end:
                name = paused_track(hearing.standing, methodology) or name
            state = hearing.state(name).title
            words = own(f"That can be said {command.when.value}; now it is at **{state}**.")
            said = words if command.when is When.PAUSED else together(words, own(" "), self._how_to_resume(hearing))
            raise NotAllowed(said, reason=f"it is at {state}")

    def _how_to_resume(self, hearing: Hearing) -> Safe:
        """What takes an engagement up again, and who may say that where the speaker may not."""
        roles = registry.single[RESUME].roles(self.methodology)
        takes = together(hearing.form(RESUME), own(" takes it up again"))
        if hearing.holds(*roles):
            return together(takes, own("."))
        return together(takes, own("; that is for: "), joined(map(hearing.role, roles), own(", ")), own("."))

    def _refuse(self, hearing: Hearing, roles: Sequence[str]) -> None:
        """Raises Retry while it is not known who may, and UserError when it is, or cannot be known."""
        segment = hearing.course.scene.segment
        unsure = {name for role in roles for name in (role, f"{role}@{segment}")} & self.snapshot.unsure_roles
        if unsure and self.snapshot.is_patient:
            raise Retry(f"not all groups that hold the role {' or '.join(roles)} can be seen")
        who = joined(map(hearing.role, roles), own(", ")) if roles else own("nobody in this methodology")
        doubt = " I cannot see every group that holds it; if you are in one, ask an operator." if unsure else ""
        raise NotAllowed(
            together(own("That is for: "), who, own(f".{doubt}")), reason=f"that is for {self.titles(roles)}"
        )

    def _meant_beside(self, line: Line) -> Safe:
        """The command of two words that was meant where the one of its first word was found: `legal stamp`."""
        second = line.rest.partition(" ")[0].lower()
        names = {name.partition(" ")[2]: name for name in _beside(line, self.playbook) if " " in name}
        near = difflib.get_close_matches(second, names, n=1, cutoff=SURELY_MEANT)
        meant = f"`{self.methodology.commands.prefix} {names[near[0]]}`" if near else ""
        return own(f"Did you mean {meant}? ") if meant else own("")

    def _unknown(self, line: Line) -> Safe:
        """What to say to a line that names no command: what it may have meant."""
        commands, prefix = registry.commands(self.methodology), self.methodology.commands.prefix
        lists = together(code_span(f"{prefix} help"), own(" lists what you can say here."))
        if not line.verb:
            return together(own("What shall I do? "), lists)
        if beside := _beside(line, self.playbook):
            forms = (own(f"`{prefix} {commands[name].form}`") for name in beside)
            return together(own("That is not all of it. There is: "), joined(forms, own(", ")), own("."))
        unknown = together(own("I do not know "), code_span(f"{prefix} {line.verb}"), own(". "))
        near = _likely(line, self.playbook)
        if near is None:
            return together(unknown, lists)
        return together(unknown, own("Did you mean "), own(f"`{prefix} {commands[near].form}`"), own("?"))


def _beside(line: Line, playbook: Playbook) -> list[str]:
    """The commands that begin with the same word."""
    return [name for name in registry.commands(playbook.methodology) if name.partition(" ")[0] == line.verb]


def _likely(line: Line, playbook: Playbook, *, cutoff: float = LIKE_ENOUGH) -> str | None:
    """The command that a line which names none may have meant."""
    names = list(registry.commands(playbook.methodology))
    first = line.rest.partition(" ")[0].lower()
    for written in (f"{line.verb} {first}".strip(), line.verb):
        if near := difflib.get_close_matches(written, names, n=1, cutoff=cutoff):
            return near[0]
    return None
