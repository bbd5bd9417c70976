"""Names that people write in commands: read whatever their case and signs, and answered where there is none."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from app.blocks.words import joined, together
from app.errors import UserError
from app.methodology.spelling import plain
from app.text import code_span, own

MOST_NAMED = 12
ALL_BUT_EQUAL = 0.7


def meant(word: str, names: Iterable[str]) -> str | None:
    """The one of these names that a word is."""
    return next((name for name in names if plain(name) == plain(word)), None)


def meant_perhaps(word: str, names: Iterable[str]) -> str | None:
    """The one of these names that a word is all but equal to; None where it is one of them, or none."""
    known = list(names)
    near = difflib.get_close_matches(word.lower(), known, n=1, cutoff=ALL_BUT_EQUAL)
    return near[0] if near and word.lower() not in known else None


def no_such(what: str, word: str | None, names: Iterable[str], *, where: str = "") -> UserError:
    """That none is called so, which one may have been meant, and which there are, the nearest first.

    `word` None: it was left out. `where`: where all of them can be read.
    """
    known = list(dict.fromkeys(names))
    by_plain = {plain(name): name for name in known}
    near = [] if word is None else difflib.get_close_matches(plain(word), by_plain, n=3)
    first = dict.fromkeys([*(by_plain[each] for each in near), *known])
    shown = joined(map(code_span, list(first)[:MOST_NAMED]), own(", "))
    more = own(f" and {len(known) - MOST_NAMED} more") if len(known) > MOST_NAMED else own("")
    verb = "There is" if len(known) == 1 else "There are"
    there_is = together(own(f"{verb}: "), shown, more, own(f"{where}.")) if known else own("There is none.")
    if word is None:
        return UserError(together(own(f"Please say which {what}. "), there_is), reason=f"no {what} was named")
    hint = together(own(" Did you mean "), code_span(by_plain[near[0]]), own("? ")) if near else own(" ")
    words = together(own(f"No {what} is called "), code_span(word), own("."), hint, there_is)
    return UserError(words, reason=f"no such {what}")
