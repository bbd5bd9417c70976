"""A button pressed in the chat is the command of its gate, said by the same person: same roles, refusals and record.

First, in a lane of its own, it is found out who pressed it: that may take a chat that does not answer, and must hold up
no engagement. Then it is decided where the comments of the engagement are.
"""

from __future__ import annotations

import hashlib
import html
from dataclasses import replace
from datetime import datetime

from app.actions import Action, HandOver, Say, Whisper
from app.blocks.words import joined, together
from app.chat_events import PRESS, WHISPER, ButtonPressed, PressHeard, press_body
from app.commands import Line
from app.engagement import Engagement, IssueRole
from app.events import Source
from app.issue_text import Playbook
from app.machine.papers import digest_of
from app.ports import Person
from app.registry import Decision, ignore, registry
from app.slack_text import foreign
from app.slack_text import own as own_in_chat
from app.snapshot import Needs, Snapshot
from app.text import Safe, code_span, marker, own
from handlers.orders import Answered, Orders, find
from handlers.progress import progress
from handlers.scene import roles_to_see, what_to_see

STALE = "That button was for a version that is not on record any more. Please look at what is there now."


def _needs_of_press(event: ButtonPressed, engagement: Engagement | None, playbook: Playbook, bot: Person) -> Needs:  # noqa: ARG001
    return Needs() if event.verdict is None or event.is_stranger else Needs(presser=event.user)


@registry.on(ButtonPressed, needs=_needs_of_press)
def on_press(event: ButtonPressed, snapshot: Snapshot, playbook: Playbook, now: datetime) -> Decision:  # noqa: ARG001
    """Hand it to its engagement, as said by a user of GitLab; whom nobody knows has said nothing, and is told."""
    if event.verdict is None:
        return ignore("a button that decides nothing")
    if snapshot.presser is None:
        line = (
            own_in_chat("I do not know who you are in GitLab, so nothing was done. "),
            own_in_chat("Please ask an operator of PS Plan Bot to put you on its map, or answer on the issue."),
        )
        told = Whisper(
            key=f"{_ident(event)}:unknown", place=event.place, user=event.user, thread=event.thread, line=line
        )
        return Decision(reasons=("nobody knows who pressed it",), actions=(told,))
    heard = HandOver(
        key=_ident(event),
        source=Source.SLACK.value,
        lane=event.engagement,
        what=PRESS,
        body=press_body(event, snapshot.presser),
    )
    return Decision(reasons=(f"{snapshot.presser} pressed it",), actions=(heard,))


def _needs_of_word(event: PressHeard, engagement: Engagement | None, playbook: Playbook, bot: Person) -> Needs:  # noqa: ARG001
    line = _line(event, playbook)
    command = None if line is None else find(line, playbook)[0]
    if engagement is None or command is None:
        return Needs()
    seen = what_to_see(engagement, playbook.methodology)
    roles = dict(roles_to_see(command.roles(playbook.methodology), playbook.methodology))
    return replace(seen, roles={**seen.roles, **roles})


@registry.on(PressHeard, needs=_needs_of_word)
def on_press_heard(event: PressHeard, snapshot: Snapshot, playbook: Playbook, now: datetime) -> Decision:
    """Carry it out as the command that it stands for, and tell on the issue who said it where."""
    engagement, line = snapshot.engagement, _line(event, playbook)
    if engagement is None or line is None:
        return ignore("there is no such engagement, or no such gate any more")
    gate = playbook.methodology.gates[event.press.gate]
    on = playbook.methodology.tracks[gate.track].on
    orders = Orders(
        lines=(line,),
        by=event.by,
        at=min(event.press.at, now.timestamp()),
        note_id=0,
        on=on,
        snapshot=snapshot,
        playbook=playbook,
        engagement=engagement,
    )
    if _is_stale(event.press, engagement, playbook):
        refused = Answered(line, False, (own(STALE),))
        return Decision(reasons=("the button was for another version",), actions=tuple(_answers(event, refused)))
    made = progress(engagement, snapshot, playbook, now, orders=orders)
    answered = next(iter(orders.answered), Answered(line, False))
    told = _tell(event, engagement, answered, on) if answered.is_done else None
    said = () if told is None else (told,)
    return Decision(
        reasons=made.reasons or (f"{event.by} pressed {line.source} in Slack",),
        actions=(*made.actions, *said, *_answers(event, answered)),
        engagement=made.engagement,
    )


def _line(event: PressHeard, playbook: Playbook) -> Line | None:
    """The command that the button stands for, as it would be written; None where its gate is gone."""
    methodology, press = playbook.methodology, event.press
    if press.verdict is None or press.gate not in methodology.verbs_of_gates:
        return None
    name = methodology.judging(press.gate, press.verdict)
    reason = press.reason if press.verdict == "reject" else None
    said = f"{name} {reason}" if reason else name
    verb, _, rest = said.partition(" ")
    return Line(verb, rest, f"{methodology.commands.prefix} {name}", _digest(press))


def _is_stale(press: ButtonPressed, engagement: Engagement, playbook: Playbook) -> bool:
    standing, document = engagement.standing, playbook.methodology.gates[press.gate].document
    is_other = digest_of(document, standing, playbook.methodology) != press.digest
    return is_other or standing.version(document) != press.version


def _tell(event: PressHeard, engagement: Engagement, answered: Answered, on: IssueRole) -> Say | None:
    """On the issue, so that what was said elsewhere stands where all else does."""
    held = engagement.issues.get(on) or next(iter(engagement.issues.values()), None)
    if held is None:
        return None
    mark = marker("press", _digest(event.press))
    said = together(code_span(event.by), own(" said in Slack: "), code_span(answered.line.source))
    why = [] if event.press.reason is None or event.press.verdict != "reject" else [code_span(event.press.reason)]
    body = joined([mark, joined([said, *why], own(" – ")), *answered.words], own("\n\n"))
    return Say(key=f"{_ident(event.press)}:told", target=held.iid, marker=mark, body=(body,))


def _answers(event: PressHeard, answered: Answered) -> list[Action]:
    """To the one who pressed it, where there is something to say: in a lane of the chat, as all that goes there."""
    if not answered.words:
        return []
    press = event.press
    words = foreign(" ".join(map(_bare, answered.words)), limit_chars=1500)
    body = {
        "object_kind": WHISPER,
        "key": f"{_ident(press)}:answer",
        "place": press.place,
        "user": press.user,
        "thread": press.thread,
        "line": [own_in_chat("About your button: "), words],
    }
    ident = f"{_ident(press)}:whisper"
    lane = press_lane(press.engagement)
    return [HandOver(key=ident, source=Source.SLACK.value, lane=lane, what=WHISPER, body=body)]


def _bare(words: Safe) -> str:
    """Words made for an issue without what only GitLab understands."""
    plain = words.replace("`", "").replace("**", "").replace("\u200b", "")
    return html.unescape(plain)


def press_lane(engagement: str) -> str:
    """Where it is found out who pressed the buttons of an engagement."""
    return f"press:{engagement}"


def _ident(press: ButtonPressed) -> str:
    return f"press:{press.place}:{press.ts}:{press.user}:{press.at}"


def _digest(press: ButtonPressed) -> str:
    return hashlib.sha256(_ident(press).encode()).hexdigest()[:16]
