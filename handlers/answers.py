"""Commands that write into the tables of the issues: answer, intake."""

from __future__ import annotations

from collections.abc import Sequence

from app.answer_table import answers_in, with_answers
from app.blocks.words import joined, together
from app.errors import NotAllowed, UserError
from app.hearing import About, Hearing, When
from app.methodology.parts import IssueKind
from app.registry import registry
from app.text import cell, code_span, own
from handlers.lateness import claim, overtaken
from handlers.names import no_such
from handlers.scene import ACCOUNT_TEAM

ANSWERERS = ("em", ACCOUNT_TEAM, "ta", "rdm", "pm", "pc", "leadership")
MOST_CHARS = 500


@registry.command(
    "answer",
    usage="KEY VALUE",
    says="Answer a question of the scoping issue; the key stands in the last column of its table.",
    who=ANSWERERS,
    when=When.ALWAYS,
    examples=("users_current 800", "pain_points builds take two hours"),
)
def answer(hearing: Hearing) -> None:
    """Into the question table; in an engagement without a scoping issue, wherever the question stands."""
    key, value = _key_and_value(hearing)
    if key not in written(hearing, IssueKind.SCOPING):
        _may_fill(hearing, key)
    write(hearing, (IssueKind.SCOPING, IssueKind.INTAKE), key, value)


@registry.command(
    "intake",
    usage="KEY VALUE",
    says="Fill a field of the Project Scheduling Intake; the key stands in the last column of its table.",
    who=ANSWERERS,
    when=When.ALWAYS,
    about=About.INTAKE,
    examples=("language German", "close_date 2026-12-01"),
)
def intake(hearing: Hearing) -> None:
    """Into the intake table."""
    key, value = _key_and_value(hearing)
    _may_fill(hearing, key)
    write(hearing, (IssueKind.INTAKE,), key, value)


def _may_fill(hearing: Hearing, key: str) -> None:
    """A field that has a command, or roles, of its own is not filled round about. Raises UserError."""
    field = hearing.methodology.intake_fields.get(key)
    if field is None:
        return
    command = registry.single.get(hearing.methodology.commands_of_fields.get(key, "").partition(" ")[0])
    roles = field.only or (command.roles(hearing.methodology) if command is not None else ())
    if not hearing.holds(*roles):
        who = joined(map(hearing.role, roles), own(", "))
        raise NotAllowed(
            together(own("That field is for: "), who, own(".")), reason=f"that is for {hearing.titles(roles)}"
        )


def write(hearing: Hearing, kinds: Sequence[IssueKind], key: str, value: str) -> None:
    """Put an answer into the first table that has the key; what stood there is told. Raises UserError."""
    hearing.demand_engagement()
    for kind in kinds:
        known = written(hearing, kind)
        if key in known:
            if not claim(hearing, key):
                raise overtaken(together(code_span(key), own(" was answered")))
            fresh = cell(value)
            issue = hearing.ledger.issues[kind]
            hearing.put(kind, key, fresh, was=known[key], text=with_answers(issue.description, {key: fresh}))
            hearing.course.because(f"answered: {key}")
            before = known[key]
            if before and before != value:
                hearing.say(own("Instead of "), code_span(before), own(" it says now: "), code_span(value), own("."))
            return
    raise _no_such_key(hearing, kinds, key)


def written(hearing: Hearing, kind: IssueKind) -> dict[str, str]:
    """The keys of the tables of an issue and what is answered there; empty where nothing is."""
    issue = hearing.ledger.issues.get(kind)
    return {} if issue is None else answers_in(issue.description)


def _key_and_value(hearing: Hearing) -> tuple[str, str]:
    key = hearing.words.word()
    value = hearing.words.rest()
    if key is None or value is None:
        raise UserError(own("I need the key and what to write there."))
    if len(value) > MOST_CHARS:
        raise UserError(own(f"An answer has {MOST_CHARS} characters at most: put the rest into the text of the issue."))
    return key.lower().strip("`*:").replace("-", "_"), value


def _no_such_key(hearing: Hearing, kinds: Sequence[IssueKind], key: str) -> UserError:
    other = next((k for k in IssueKind if k not in kinds and key in written(hearing, k)), None)
    if other is None:
        keys = [each for kind in kinds for each in written(hearing, kind)]
        return no_such(
            "row", key, keys, where="; all of them stand in the last column of the table in the issue's text"
        )
    command = "intake" if other is IssueKind.INTAKE else "answer"
    elsewhere = own(" stands in the other table: ")
    return UserError(together(code_span(key), elsewhere, hearing.form(f"{command} {key} …"), own(".")))
