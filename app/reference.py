"""The tables of the documents that follow from code and process: `python -m app.reference FILE` writes them anew.

A table stands between `<!-- generated: NAME -->` and `<!-- /generated -->`; a test fails when one is stale.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import handlers  # noqa: F401  (importing it registers every command)
from app.catalogue import Catalogue
from app.cli import parser
from app.command_table import as_markdown
from app.field_tables import reference
from app.methodology import Methodology, load_methodology, tables
from app.metrics import metrics_table
from app.registry import registry
from app.settings import EXAMPLES, PREFIX, Settings

FOR_MANAGERS = ("status", "answer", "estimate", "agree", "sow", "cogs", "next", "submit", "hold", "won")
_BLOCK = re.compile(r"(<!-- generated: (?P<name>[a-z-]+) -->\n).*?(<!-- /generated -->)", re.DOTALL)


def settings_table() -> str:
    """Every setting with its default, meaning and an example."""
    rows = ["| setting | default | meaning | example |", "| --- | --- | --- | --- |"]
    for name, held in sorted(Settings.model_fields.items(), key=lambda each: not each[1].is_required()):
        if held.is_required():
            default = "**required**"
        elif held.default in (None, ()):
            default = ""
        else:
            default = f"`{held.default}`"
        setting = PREFIX + name.upper()
        secret = " (or `…_FILE`)" if "SecretStr" in str(held.annotation) else ""
        example = f"`{EXAMPLES[name]}`" if name in EXAMPLES else ""
        rows.append(f"| `{setting}`{secret} | {default} | {held.description} | {example} |")
    return "\n".join(rows) + "\n"


def commands_table() -> str:
    """Every command of `psplan` with its words."""
    rows = ["| command | does |", "| --- | --- |"]
    rows += [f"| `{usage}` | {text} |" for usage, text in _commands(parser(), "psplan")]
    return "\n".join(rows) + "\n"


def said_table() -> str:
    """Every command that people say in comments, by the methodology that ships."""
    methodology = load_methodology()
    return as_markdown(registry.commands(methodology), methodology)


def manager_table() -> str:
    """The commands that an Engagement Manager needs from the first to the last day."""
    methodology = load_methodology()
    known = registry.commands(methodology)
    return as_markdown({name: known[name] for name in FOR_MANAGERS}, methodology, heads=("say", "what it does"))


def _of_process(table: Callable[[Methodology], str]) -> Callable[[], str]:
    return lambda: table(load_methodology())


TABLES: dict[str, Callable[[], str]] = {
    "settings": settings_table,
    "commands": commands_table,
    "metrics": metrics_table,
    "said": said_table,
    "managers": manager_table,
    "fields": partial(reference, Methodology),
    "catalogue": partial(reference, Catalogue),
    "stages": _of_process(tables.stages),
    "tracks": _of_process(tables.tracks),
    "gates": _of_process(tables.gates),
    "criteria": _of_process(tables.criteria),
    "readiness": _of_process(tables.readiness),
    "moves": _of_process(tables.moves),
    "asks": _of_process(tables.asks),
    "clocks": _of_process(tables.clocks),
    "labels": _of_process(tables.labels),
    "spellings": _of_process(tables.spellings),
    "switches": _of_process(tables.switches),
    "roles": _of_process(tables.roles),
}


def renewed(document: str) -> str:
    """The document with every generated table as it should be. Raises KeyError for a table nobody knows."""
    return _BLOCK.sub(lambda found: found.group(1) + TABLES[found["name"]]() + found.group(3), document)


def _commands(of: argparse.ArgumentParser, name: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for group in (each for each in of._actions if isinstance(each, argparse._SubParsersAction)):
        helps = {choice.dest: choice.help or "" for choice in group._choices_actions}
        for word, sub in group.choices.items():
            below = _commands(sub, f"{name} {word}")
            usage = " ".join(sub.format_usage().removeprefix("usage: ").replace("[-h]", "").split())
            found += below or [(usage, helps[word])]
    return found


def main() -> int:
    """Renew the tables of the files that are named."""
    for word in sys.argv[1:]:
        path = Path(word)
        path.write_text(renewed(path.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
