"""A comment: the commands in it that were not heard before are carried out, and answered in one reply.

Only its author's words count, as they stood when the author wrote or edited them. What somebody else edits into a
comment is remembered, so that it is not taken for the author's when they edit it the next time.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from app.actions import Action, ChangeIssue, React, Retract, Say
from app.blocks.words import joined, together
from app.commands import Line
from app.commands.comment import MOST_COMMANDS
from app.engagement import Engagement
from app.errors import UserError
from app.events import CommentPosted
from app.issue_text import Playbook
from app.methodology.parts import IssueKind
from app.methodology.process import Document
from app.ports import Person
from app.registry import Decision, Listened, ignore, registry
from app.snapshot import Heard, Needs, Snapshot
from app.status_words import person
from app.text import Safe, code_span, marker, own
from app.uploads import uploads_in
from handlers.adoption import ADOPT, adopt_by_command, needs_of_adoption
from handlers.homes import unknown_home
from handlers.orders import Answered, Orders, find, lines_meant
from handlers.progress import progress
from handlers.scene import account_team_as_written, roles_to_see, what_to_see
from handlers.workbooks import DRAFTS

MOST_HAPPENINGS = 40
MOST_PEOPLE = 2 * MOST_COMMANDS
HELP = "help"
_NAMED = re.compile(r"@([A-Za-z0-9_.][A-Za-z0-9_.-]{0,254})")
_NAMES_SOMEBODY = ("assign-em", "staff")
"""Commands behind which a user name may stand without its sign."""


def _needs(event: CommentPosted, engagement: Engagement | None, playbook: Playbook, bot: Person) -> Needs:
    """Nothing for a comment without commands: most have none."""
    lines = _lines(event, playbook, bot.username)
    if not lines and event.action == "create":
        return Needs()
    if not lines or not event.is_by_author:
        return Needs(note=event.note_id)
    commands = [command for line in lines if (command := find(line, playbook)[0]) is not None]
    if engagement is None or _kind(event, engagement) is None:
        is_adoption = any(command.name == ADOPT for command in commands)
        seen = needs_of_adoption(event.iid, engagement, playbook) if is_adoption else Needs()
        free = [command for command in commands if command.is_free]
        wanted = {role for command in free for role in command.roles(playbook.methodology)}
        roles = {**seen.roles, **dict(roles_to_see(wanted, playbook.methodology))}
        pipeline = any(command.sees_pipeline for command in free)
        return replace(seen, note=event.note_id, issues=seen.issues | {event.iid}, roles=roles, pipeline=pipeline)
    seen = what_to_see(engagement, playbook.methodology)
    wanted = {role for command in commands for role in command.roles(playbook.methodology)}
    if any(command.name == HELP for command in commands):
        wanted |= playbook.methodology.roles.keys()  # what somebody can say depends on all of them
    return replace(
        seen,
        assignments=seen.issues if any(command.sees_assignments for command in commands) else frozenset(),
        people=seen.people | _people(lines) | account_team_as_written(engagement.submission),
        roles={**seen.roles, **dict(roles_to_see(wanted, playbook.methodology))},
        note=event.note_id,
        happenings=MOST_HAPPENINGS if any(command.sees_happenings for command in commands) else 0,
        pipeline=any(command.sees_pipeline for command in commands),
        files=_files(event, engagement) if any(_sees_files(line, playbook) for line in lines) else frozenset(),
    )


def _files(event: CommentPosted, engagement: Engagement) -> frozenset[str]:
    """What the comment links to, the latest drafts, and what is on record."""
    standing, estimate = engagement.standing, engagement.standing.papers.get(Document.ESTIMATE)
    held = [*map(standing.files.get, DRAFTS), None if estimate is None else estimate.file]
    return frozenset([*uploads_in(event.body), *(path for path in held if path is not None)])


def _sees_files(line: Line, playbook: Playbook) -> bool:
    command, rest = find(line, playbook)
    return command is not None and command.sees_files(rest)


@registry.on(CommentPosted, needs=_needs)
def on_comment(event: CommentPosted, snapshot: Snapshot, playbook: Playbook, now: datetime) -> Decision:
    """Carry out what is new in it."""
    lines = _lines(event, playbook, snapshot.bot_name)
    heard, digests = snapshot.heard, frozenset(line.digest for line in lines)
    if not digests and not heard.refused:
        return ignore("no command in it")
    if (home := unknown_home(event.iid, snapshot)) is not None:
        return home
    if not event.is_by_author:
        foreign = digests - heard.carried_out - heard.foreign
        if not foreign:
            return ignore("somebody else edited the comment")
        if not event.is_editor_known:
            return _unsure(event, lines, foreign, playbook)
        why = "somebody else edited the comment: commands are taken from its author only"
        return Decision(reasons=(why,), listened=Listened(event.note_id, foreign=foreign))
    known = heard.carried_out | (heard.foreign if event.action != "create" else frozenset())
    new = [line for line in lines if line.digest not in known]
    if not new:
        return _nothing_new(event, snapshot, digests, playbook, now)
    new, too_many = new[:MOST_COMMANDS], new[MOST_COMMANDS:]
    listened = Listened(event.note_id, carried_out=frozenset(line.digest for line in new))
    orders = _orders(new, event, snapshot, playbook, now)
    decision = _carry_out(orders, event, snapshot, playbook, now)
    if decision.lane is not None:
        return decision
    if too_many:
        words = own(
            f"Only {MOST_COMMANDS} commands of a comment are carried out: say this and the rest in another one."
        )
        orders.answered.append(Answered(too_many[0], False, (words,)))
    refused = frozenset(each.line.digest for each in orders.answered if not each.is_done)
    mended = _mended(orders, heard, digests)
    listened = replace(listened, refused=refused & listened.carried_out, forgiven=mended)
    actions = _answers(event, orders, listened, playbook)
    if mended:
        has_words = any(each.words for each in orders.answered) or bool(digests & heard.carried_out)
        actions.append(_retraction(event, playbook, with_reply=not has_words))
    done, told = decision.actions, ", ".join(_called(each, playbook) for each in new)
    return replace(
        decision,
        reasons=decision.reasons or (f"{event.author} said {told}",),
        actions=(*actions[:1], *done, *actions[1:]),
        listened=listened,
    )


def _called(line: Line, playbook: Playbook) -> str:
    """What a line says, by the name of its command where there is one."""
    command, _ = find(line, playbook)
    return f"{playbook.methodology.commands.prefix} {line.verb if command is None else command.name}"


def _unsure(event: CommentPosted, lines: list[Line], foreign: frozenset[str], playbook: Playbook) -> Decision:
    """A comment that was edited while the bot could not hear it: GitLab does not tell by whom, so it orders nothing."""
    first = next(line for line in lines if line.digest in foreign)
    words = own(
        "This comment was edited while I was away, and GitLab does not tell me by whom. Please say it in a new comment."
    )
    mark = marker("reply", str(event.note_id))
    body = reply(event.author, [Answered(first, False, (words,))], mark)
    key = f"note:{event.note_id}:unsure:{event.at}"
    refused = playbook.methodology.commands.reactions.refused
    react = React(key=f"{key}:{refused}", iid=event.iid, note_id=event.note_id, name=refused)
    told = () if body is None else (_reply(key, event, mark, body),)
    return Decision(
        reasons=("the comment was edited, and it is not known by whom",),
        actions=(react, *told),
        listened=Listened(event.note_id, foreign=foreign),
    )


def _lines(event: CommentPosted, playbook: Playbook, bot: str) -> list[Line]:
    return [] if event.is_system else lines_meant(event.body, playbook, bot)


def _orders(
    lines: Sequence[Line], event: CommentPosted, snapshot: Snapshot, playbook: Playbook, now: datetime
) -> Orders:
    kind = None if snapshot.engagement is None else _kind(event, snapshot.engagement)
    engagement = snapshot.engagement if kind is not None else None
    begun_at = 0.0 if engagement is None else engagement.standing.begun_at or 0.0
    # what is said to be older than the engagement was not timed by the same clock as ours
    at = now.timestamp() if event.at is None or event.at < begun_at else min(event.at, now.timestamp())
    return Orders(
        lines=lines,
        by=event.author,
        at=at,
        note_id=event.note_id,
        on=kind or IssueKind.SCOPING,
        snapshot=snapshot,
        playbook=playbook,
        engagement=engagement,
        is_internal=event.is_internal,
        uploads=uploads_in(event.body),
    )


def _carry_out(orders: Orders, event: CommentPosted, snapshot: Snapshot, playbook: Playbook, now: datetime) -> Decision:
    """What follows from the commands, without what is answered."""
    if orders.engagement is None:
        first = next((line for line in orders.lines if _is_adoption(line, playbook)), None)
        if first is not None:
            return _adopt(first, orders, event, snapshot, playbook, now)
        orders.without_engagement()
        return Decision(reasons=())
    made = progress(orders.engagement, snapshot, playbook, now, orders=orders, until=event.next_at)
    return Decision(reasons=made.reasons, actions=made.actions, engagement=made.engagement)


def _is_adoption(line: Line, playbook: Playbook) -> bool:
    command, _ = find(line, playbook)
    return command is not None and command.name == ADOPT


def _adopt(
    first: Line, orders: Orders, event: CommentPosted, snapshot: Snapshot, playbook: Playbook, now: datetime
) -> Decision:
    """The issue becomes an engagement; what else was ordered in the same comment has to wait until it is one."""
    _, rest = find(first, playbook)
    try:
        if (command := find(first, playbook)[0]) is not None:
            orders.demand_role(command)
        decision, words = adopt_by_command(event.iid, rest, snapshot, playbook, now)
    except UserError as fault:
        orders.answered.append(Answered(first, False, (fault.words,)))
        return Decision(reasons=())
    if decision.lane is not None:
        return decision
    orders.answered.append(Answered(first, True, words))
    later = own("The issue has only just been adopted: please say this again in a comment of its own.")
    orders.answered += [Answered(line, False, (later,)) for line in orders.lines if line is not first]
    return decision


def _answers(event: CommentPosted, orders: Orders, listened: Listened, playbook: Playbook) -> list[Action]:
    """First the emoji that says `read`; then the reply, where there is something to say; then what became of it."""
    emoji = playbook.methodology.commands.reactions
    which = hashlib.sha256("".join(sorted(listened.carried_out)).encode()).hexdigest()[:12]
    key = f"note:{event.note_id}:{which}"

    def react(name: str) -> React:
        return React(key=f"{key}:{name}", iid=event.iid, note_id=event.note_id, name=name)

    actions: list[Action] = [react(emoji.seen)]
    body = reply(event.author, orders.answered, mark := marker("reply", str(event.note_id)))
    if body is not None:
        actions.append(_reply(key, event, mark, body))
    if any(each.is_done for each in orders.answered):
        actions.append(react(emoji.done))
    if not all(each.is_done for each in orders.answered):
        actions.append(react(emoji.refused))
    return actions


def _reply(key: str, event: CommentPosted, mark: Safe, body: Safe) -> Say:
    """The one reply to a comment; an edited comment has its reply edited."""
    return Say(
        key=f"{key}:reply",
        target=event.iid,
        marker=mark,
        body=(body,),
        internal=event.is_internal,
        replaces=event.action != "create",
    )


def _mended(orders: Orders, heard: Heard, present: frozenset[str]) -> frozenset[str]:
    """The lines refused earlier, where the author has corrected them all."""
    is_good = all(each.is_done for each in orders.answered)
    return heard.refused if is_good and not heard.refused & present else frozenset()


def _nothing_new(
    event: CommentPosted, snapshot: Snapshot, present: frozenset[str], playbook: Playbook, now: datetime
) -> Decision:
    """What is left of what was heard before: to finish what was ordered, and to take back a refusal."""
    withdrawn = _withdrawn(event, snapshot.heard, present, playbook)
    caught_up = _caught_up(snapshot, playbook, now)
    if caught_up is None:
        return withdrawn
    if withdrawn.changes_nothing:
        return caught_up
    return replace(
        caught_up,
        reasons=(*caught_up.reasons, *withdrawn.reasons),
        actions=(*caught_up.actions, *withdrawn.actions),
        listened=withdrawn.listened,
    )


def _caught_up(snapshot: Snapshot, playbook: Playbook, now: datetime) -> Decision | None:
    """What is on record and was not carried out, as after a dead letter that was half done; None: nothing."""
    engagement = snapshot.engagement
    if engagement is None or any(link.iid not in snapshot.issues for link in engagement.issues.values()):
        return None
    made = progress(engagement, snapshot, playbook, now)
    if not any(isinstance(action, ChangeIssue) for action in made.actions):
        return None
    reasons = made.reasons or ("what was ordered before is finished",)
    return Decision(reasons=reasons, actions=made.actions, engagement=made.engagement)


def _withdrawn(event: CommentPosted, heard: Heard, present: frozenset[str], playbook: Playbook) -> Decision:
    """Nothing new: where the author took out what was refused, the refusal goes as well."""
    if not heard.refused or heard.refused & present:
        return ignore("its commands were heard before")
    return Decision(
        reasons=("the author took out what was refused",),
        actions=(_retraction(event, playbook, with_reply=not present),),
        listened=Listened(event.note_id, forgiven=heard.refused),
    )


def _retraction(event: CommentPosted, playbook: Playbook, *, with_reply: bool) -> Retract:
    return Retract(
        key=f"note:{event.note_id}:mended:{event.at}",
        iid=event.iid,
        note_id=event.note_id,
        name=playbook.methodology.commands.reactions.refused,
        reply=marker("reply", str(event.note_id)) if with_reply else None,
    )


def reply(author: str, answered: Sequence[Answered], mark: Safe) -> Safe | None:
    """The one reply to a comment; who was refused is called, who only asked is not. None: there is nothing to say."""
    told = [each for each in answered if each.words]
    if not told:
        return None
    is_refused = any(not each.is_done for each in told)
    parts = [mark]
    for number, each in enumerate(told):
        line = together(code_span(each.line.source, limit_chars=100), own(": "))
        called = together(person(author), own(", ")) if is_refused and number == 0 else own("")
        first, *rest = each.words
        parts += [together(called, line, first), *rest]
    return joined(parts, own("\n\n"))


def _kind(event: CommentPosted, engagement: Engagement) -> IssueKind | None:
    """Which of the engagement's issues a comment stands on."""
    return next((kind for kind, link in engagement.issues.items() if link.iid == event.iid), None)


def _people(lines: Sequence[Line]) -> frozenset[str]:
    """Whom the commands name: it has to be known whether GitLab knows them."""
    named = [name.rstrip(".-") for line in lines for name in _NAMED.findall(line.rest)]
    named += [line.rest.split()[-1].removeprefix("@") for line in lines if line.verb in _NAMES_SOMEBODY and line.rest]
    return frozenset([name for name in dict.fromkeys(named) if _NAMED.fullmatch(f"@{name}")][:MOST_PEOPLE])
