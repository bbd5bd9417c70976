"""`/ps help`: what this person can say here now, all there is, or one command in full; from the registration."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from app.blocks.words import joined, lines, together
from app.command_table import own_fields as own_fields_of
from app.command_table import who as who_may
from app.errors import UserError
from app.hearing import About, Command, Hearing, When, is_possible
from app.registry import registry
from app.text import Safe, code_span, own

HELP = "help"
ALL = "all"


@registry.command(
    HELP,
    usage="[all|COMMAND]",
    says="List what you can say here now, everything there is, or one command in full.",
    who=(),
    when=When.ALWAYS,
    about=About.HERE,
    examples=("", ALL, "estimate"),
    is_free=True,
)
def help_(hearing: Hearing) -> None:
    """A list that fits on a phone."""
    wanted = hearing.words.rest()
    commands = registry.commands(hearing.methodology)
    if wanted is None:
        usable = [command for command in commands.values() if _can_use(command, hearing)]
        hearing.say(own("You can say here now:"))
        hearing.say(lines(*_entries(usable, hearing)))
        hearing.say(together(hearing.form(f"help {ALL}"), own(" lists everything, also what others can say.")))
    elif wanted.lower() == ALL:
        hearing.say(own("Everything that can be said, and by whom:"))
        hearing.say(lines(*_entries(list(commands.values()), hearing, with_who=True)))
    else:
        name = " ".join(wanted.lower().split()).removeprefix(hearing.methodology.commands.prefix).strip()
        found = [command for key, command in commands.items() if name in (key, key.partition(" ")[0])]
        if not found:
            near = difflib.get_close_matches(name, commands, n=1)
            hint = together(own(" Did you mean "), hearing.form(f"{HELP} {near[0]}"), own("?")) if near else own("")
            raise UserError(together(own("There is no command "), code_span(wanted), own("."), hint))
        hearing.say(joined([part for command in found for part in _in_full(command, hearing)], own("\n\n")))


def _can_use(command: Command, hearing: Hearing) -> bool:
    if hearing.placed is None:
        return command.is_free and not command.roles(hearing.methodology)  # who holds a role is not known here
    if command.is_only_free:
        return False
    roles = command.roles(hearing.methodology)
    name, _ = hearing.track(command.about)
    return hearing.holds(*roles) and is_possible(command, name, hearing.standing, hearing.methodology)


def _entries(commands: list[Command], hearing: Hearing, *, with_who: bool = False) -> Iterator[Safe]:
    for command in commands:
        who = own(f" *({who_may(command, hearing.methodology)})*") if with_who else own("")
        yield together(own("- "), hearing.usage(command), own(f" – {command.says}"), who)


def _in_full(command: Command, hearing: Hearing) -> Iterator[Safe]:
    yield together(hearing.usage(command), own(f" – {command.says}"))
    who = who_may(command, hearing.methodology)
    examples = joined((hearing.form(f"{command.name} {each}".strip()) for each in command.examples), own(", "))
    parts = [own(f"- For: {who}; {command.when.value}."), together(own("- For example: "), examples)]
    own_fields = own_fields_of(command, hearing.methodology)
    yield lines(*parts, *([own(f"- {own_fields}")] if own_fields else []))
