"""Names that people write in commands: read whatever their case and signs, and answered where there is none."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from app.blocks.words import joined, together
from app.errors import UserError
from app.methodology.spelling import plain
from app.text import code_span, own

MOST_NAMED = 12


def meant(word: str, names: Iterable[str]) -> str | None:
    """The one of these names that a word is."""
    return next((name for name in names if plain(name) == plain(word)), None)


def no_such(what: str, word: str | None, names: Iterable[str]) -> UserError:
    """That none is called so, which one may have been meant, and which there are. `word` None: it was left out."""
    known = list(dict.fromkeys(names))
    shown = joined(map(code_span, known[:MOST_NAMED]), own(", "))
    more = own(f" and {len(known) - MOST_NAMED} more") if len(known) > MOST_NAMED else own("")
    there_is = together(own("There is: "), shown, more, own(".")) if known else own("There is none.")
    if word is None:
        return UserError(together(own(f"Please say which {what}. "), there_is), reason=f"no {what} was named")
    by_plain = {plain(name): name for name in known}
    near = difflib.get_close_matches(plain(word), by_plain, n=1)
    hint = together(own(" Did you mean "), code_span(by_plain[near[0]]), own("? ")) if near else own(" ")
    words = together(own(f"No {what} is called "), code_span(word), own("."), hint, there_is)
    return UserError(words, reason=f"no such {what}")
