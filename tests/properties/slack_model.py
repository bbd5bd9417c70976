"""What Slack makes of a text, as its documentation tells it: what is live in it, and what a reader sees.

Angle brackets make mentions (`<@U…>`, `<!channel>`, `<!subteam^S…>`, `<#C…>`) and links (`<address|words>`); `&amp;`,
`&lt;` and `&gt;` stand for their characters; `*bold*`, `_italic_`, `~struck~` and backticks format.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(r"<([^<>]*)>")
_ENTITY = re.compile(r"&(?!amp;|lt;|gt;)")
_FORMAT = re.compile(r"(?<![A-Za-z0-9])([*_~`])(?=\S)(.+?)(?<=\S)\1(?![A-Za-z0-9])", re.DOTALL)
_EMOJI = re.compile(r":[a-z0-9_+'-]+:", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reading:
    """Mentions and links by what stands between the brackets; formatted pieces; brackets that belong to nothing."""

    mentions: tuple[str, ...]
    links: tuple[str, ...]
    formatted: tuple[str, ...]
    emoji: tuple[str, ...]
    stray: tuple[str, ...]
    shown: str


def read(text: str) -> Reading:
    """Read a text of the form `mrkdwn`."""
    tokens = _TOKEN.findall(text)
    rest = _TOKEN.sub(lambda match: match[1].partition("|")[2], text)
    return Reading(
        mentions=tuple(each for each in tokens if each[:1] in {"@", "!", "#"}),
        links=tuple(each for each in tokens if each[:1] not in {"@", "!", "#"}),
        formatted=tuple(match[2] for match in _FORMAT.finditer(rest)),
        emoji=tuple(_EMOJI.findall(rest)),
        stray=tuple(re.findall(r"[<>]", rest)) + tuple(_ENTITY.findall(rest)),
        shown=rest.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"),
    )
