"""The commands as a table: for the README as Markdown, for the service's help page as HTML; from the registration."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from app.hearing import Command
from app.methodology.model import Methodology


@dataclass(frozen=True, slots=True)
class Row:
    """A command: how it is said, what it does, who may say it and when, and how it looks in use."""

    form: str
    says: str
    who: str
    when: str
    examples: tuple[str, ...]


HEADS: Final = ("say", "what it does", "who", "when")


def who(command: Command, methodology: Methodology) -> str:
    """The titles of the roles that may use a command."""
    roles = command.roles(methodology)
    titles = [methodology.roles[role].title for role in roles if role in methodology.roles]
    return ", ".join(titles) if titles else ("nobody" if roles else "everybody")


def own_fields(command: Command, methodology: Methodology) -> str:
    """Of the command that fills fields: which of them belong to certain roles, or have a command of their own."""
    if command.name != "intake":
        return ""
    commands = methodology.commands_of_fields
    own = [
        f"`{key}` ({', '.join(methodology.roles[role].title for role in field.only) or f'`{commands[key]}`'})"
        for key, field in methodology.intake_fields.items()
        if field.only or key in commands
    ]
    return (
        f"Some fields are for certain roles, or for whoever may say the command named here: {', '.join(own)}."
        if own
        else ""
    )


def as_markdown(commands: Mapping[str, Command], methodology: Methodology, *, heads: tuple[str, ...] = HEADS) -> str:
    """A table for a document, of the first columns or of all."""
    written = [f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}"]
    for row in rows(commands, methodology):
        code = "`" + row.form.replace("|", "\\|") + "`"
        cells = [code, *(cell.replace("|", chr(92) + "|") for cell in (row.says, row.who, row.when))]
        written.append(f"| {' | '.join(cells[: len(heads)])} |")
    return "\n".join(written) + "\n"


def as_page(commands: Mapping[str, Command], methodology: Methodology) -> str:
    """A page of its own, which needs nothing but itself; good on a phone and in the dark."""
    return (
        "<!doctype html><html lang=en><head><meta charset=utf-8><title>PS Plan Bot: commands</title>"
        "<meta name=viewport content='width=device-width, initial-scale=1'>"
        f"<style>{_STYLE}</style></head><body><main>{as_html(commands, methodology)}</main></body></html>"
    )


def as_html(commands: Mapping[str, Command], methodology: Methodology) -> str:
    """What stands on that page, and on the one among the others."""
    prefix = html.escape(methodology.commands.prefix)
    entries = "".join(
        f'<section class="card"><h2><code>{html.escape(row.form)}</code></h2><p>{_code(row.says)}</p>'
        f'<p class="quiet small">For: {html.escape(row.who)}. {html.escape(row.when.capitalize())}.</p>'
        f'<p class="quiet small">{_examples(row)}</p></section>'
        for row in rows(commands, methodology)
    )
    return (
        "<h1>What you can say to the bot</h1>"
        f"<p>In a comment on an issue of PS Plan, one command a line, at the beginning of the line: "
        f"<code>{prefix} next</code>. The bot reacts to the comment, and answers in words where there is "
        f"something to say. <code>{prefix} help</code> lists what you can say there and then.</p>"
        f'<div class="commands">{entries}</div>'
    )


def rows(commands: Mapping[str, Command], methodology: Methodology) -> Iterator[Row]:
    """The commands in the order of their registration."""
    prefix = methodology.commands.prefix
    for command in commands.values():
        yield Row(
            form=f"{prefix} {command.form}",
            says=command.says,
            who=who(command, methodology),
            when=command.when.value,
            examples=tuple(f"{prefix} {command.name} {each}".strip() for each in command.examples),
        )


def _code(says: str) -> str:
    parts = html.escape(says).split("`")
    return "".join(f"<code>{part}</code>" if number % 2 else part for number, part in enumerate(parts))


def _examples(row: Row) -> str:
    return "For example " + ", ".join(f"<code>{html.escape(each)}</code>" for each in row.examples)


_STYLE: Final = """
:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;margin:0;padding:1.5rem}
main{max-width:46rem;margin:auto}
section{border-top:1px solid color-mix(in srgb,currentColor 20%,transparent);padding:.25rem 0}
h1{font-size:1.5rem}h2{font-size:1rem;margin:.75rem 0 .25rem}p{margin:.25rem 0}
code{overflow-wrap:anywhere}.small{font-size:.875rem}.quiet{opacity:.8}
"""
