"""An engagement of the mind whose people talk to the bot: the real code decides, without GitLab or store."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache

import handlers  # noqa: F401  (registers every handler)
from app.actions import AttachDocument, ChangeIssue, CreateIssue, LinkIssues, React, Say, TellStatus
from app.answer_table import with_answers
from app.decide import decide, needs
from app.directory import ACCESS_LEVELS
from app.engagement import Engagement, IssueLink, IssueRole
from app.events import CommentPosted, SubmissionReceived
from app.issue_text import Playbook
from app.methodology.model import Holders
from app.perform import fill, fold
from app.ports import Assignment, Issue, LabelEvent, Person
from app.registry import Decision, registry
from app.revision import revise
from app.sandbox.people import CAST
from app.snapshot import Happening, Heard, Needs, Snapshot
from app.submission import Submission
from tests.drafts import playbook, submitted

SCOPING, INTAKE = IssueRole.SCOPING, IssueRole.INTAKE
BOT = Person(100, "ps-bot")
NUMBERS = {SCOPING: 1, INTAKE: 2}
BEGIN = datetime(2026, 12, 2, 10, 0, tzinfo=UTC)
SOW = "https://docs.google.com/document/d/1"
COGS = "https://docs.google.com/spreadsheets/d/2"


@dataclass
class Heardback:
    """What came of one comment: reactions, the reply (None: none) and all other comments."""

    decision: Decision
    reactions: tuple[str, ...]
    reply: str | None
    others: tuple[str, ...]

    @property
    def is_done(self) -> bool:
        return "white_check_mark" in self.reactions

    @property
    def is_refused(self) -> bool:
        return "x" in self.reactions


@dataclass
class Talk:
    """Two issues and what is known of them. `people`: who exists; `unsure`: roles of which not all holders are seen."""

    book: Playbook = field(default_factory=playbook)
    engagement: Engagement | None = None
    issues: dict[int, Issue] = field(default_factory=dict)
    now: datetime = BEGIN
    heard: dict[int, Heard] = field(default_factory=dict)
    happenings: list[Happening] = field(default_factory=list)
    signs: dict[int, list[LabelEvent]] = field(default_factory=dict)
    assigned: dict[int, list[Assignment]] = field(default_factory=dict)
    unsure: frozenset[str] = frozenset()
    is_patient: bool = True
    pipeline: tuple[Engagement, ...] = ()
    notes: int = 0
    first_notes: dict[IssueRole, str] = field(default_factory=dict)
    files: dict[str, bytes | None] = field(default_factory=dict)
    """What was uploaded, by its path."""

    def copy(self) -> Talk:
        """The same, to go on with apart: everything inside is frozen but for the lists."""
        signs = {iid: list(events) for iid, events in self.signs.items()}
        lists = {
            "happenings": list(self.happenings),
            "signs": signs,
            "assigned": dict(self.assigned),
            "files": dict(self.files),
        }
        return replace(self, issues=dict(self.issues), heard=dict(self.heard), **lists)

    # -- what people do

    def say(self, by: str, text: str, *, on: IssueRole | int = SCOPING, internal: bool = False) -> Heardback:
        """Write a comment."""
        self.notes += 1
        return self.hear(by, text, note=self.notes, on=on, internal=internal)

    def hear(
        self,
        by: str,
        text: str,
        *,
        note: int,
        on: IssueRole | int = SCOPING,
        action: str = "create",
        is_by_author: bool = True,
        internal: bool = False,
        at: datetime | None = None,
    ) -> Heardback:
        """What GitLab tells of a comment, perhaps again."""
        self.now += timedelta(minutes=1)
        event = CommentPosted(
            iid=on if isinstance(on, int) and not isinstance(on, IssueRole) else NUMBERS[IssueRole(on)],
            note_id=note,
            action=action,
            author_id=abs(hash(by)) % 1000 + 200,
            author=by,
            body=text,
            is_by_author=is_by_author,
            is_internal=internal,
            at=(at or self.now).timestamp(),
        )
        snapshot = self.snapshot(needs(event, self.engagement, self.book, registry, bot=BOT))
        return self._carry_out(decide(event, snapshot, self.book, self.now, registry), event)

    def label(self, by: str, name: str, *, on: IssueRole = SCOPING) -> None:
        """Set a label, as GitLab's record has it; the bot hears of it with the next comment."""
        iid = NUMBERS[on]
        self.now += timedelta(minutes=1)
        self.issues[iid] = replace(self.issues[iid], labels=(*self.issues[iid].labels, name))
        self._sign(iid, name, Person(1, by), is_added=True)

    def assign(self, by: str, name: str, *, on: IssueRole = SCOPING) -> None:
        """Assign somebody by hand."""
        iid = NUMBERS[on]
        self.now += timedelta(minutes=1)
        self.issues[iid] = replace(self.issues[iid], assignees=(Person(8, name),))
        self.assigned.setdefault(iid, []).append(Assignment(Person(1, by), self.now))

    def _sign(self, iid: int, name: str, by: Person, *, is_added: bool) -> None:
        events = self.signs.setdefault(iid, [])
        number = sum(len(each) for each in self.signs.values()) + 1
        events.append(LabelEvent(number, name, is_added, by, self.now))

    # -- what the bot sees and does

    def snapshot(self, wanted: Needs, *, lane: str | None = None) -> Snapshot:
        return Snapshot(
            lane=lane or (self.engagement.id if self.engagement is not None else "issue:1"),
            engagement=self.engagement,
            bot_id=BOT.id,
            bot_name=BOT.username,
            project="https://gitlab.example.com/ps/ps-plan",
            issues={iid: self.issues[iid] for iid in wanted.issues if iid in self.issues},
            people={name: any(name.lower() == each.username for each in CAST) for name in wanted.people},
            labels={
                iid: tuple(e for e in self.signs.get(iid, ()) if e.id > a) for iid, a in wanted.labels_since.items()
            },
            assignments={iid: tuple(self.assigned.get(iid, ())) for iid in wanted.assignments},
            holders={name: _holders(role) for name, role in wanted.roles.items()},
            unsure_roles=self.unsure & wanted.roles.keys(),
            is_patient=self.is_patient,
            heard=self.heard.get(wanted.note or 0, Heard()),
            happenings=tuple(reversed(self.happenings))[: wanted.happenings],
            pipeline=self.pipeline if wanted.pipeline else (),
            files={path: self.files.get(path) for path in wanted.files},
        )

    def _carry_out(self, decision: Decision, event: CommentPosted) -> Heardback:
        if decision.listened is not None:
            known = self.heard.get(event.note_id, Heard())
            self.heard[event.note_id] = Heard(
                known.carried_out | decision.listened.carried_out,
                known.foreign | decision.listened.foreign,
                (known.refused | decision.listened.refused) - decision.listened.forgiven,
            )
        if decision.engagement is not None:
            self.engagement = decision.engagement
        state, reason = ("ignored", decision.reasons[-1]) if decision.does_nothing else ("done", None)
        because = () if decision.does_nothing else decision.reasons
        self.happenings.append(Happening(self.now.timestamp(), "Note Hook", state, reason, because))
        said = [each for each in decision.actions if isinstance(each, Say)]
        for action in decision.actions:
            if isinstance(action, ChangeIssue):
                self._change(action)
            if isinstance(action, TellStatus):
                self.engagement = fold(self.engagement, action, {"note": 1000 + NUMBERS[action.role]})
            if isinstance(action, AttachDocument):
                secret = hashlib.sha256(action.content).hexdigest()[:32]
                self.files[f"/uploads/{secret}/{action.file_name}"] = action.content
                evidence = {"note": 2000, "file": f"/uploads/{secret}/{action.file_name}"}
                self.engagement = fold(self.engagement, action, evidence)
        hung = [each for each in decision.actions if isinstance(each, AttachDocument)]
        replies = [fill(each.body, self.engagement) for each in said if "psplan:reply" in each.marker]
        assert len(replies) <= 1, "at most one reply to a comment"
        return Heardback(
            decision,
            tuple(each.name for each in decision.actions if isinstance(each, React)),
            replies[0] if replies else None,
            (
                *(fill(each.body, self.engagement) for each in said if "psplan:reply" not in each.marker),
                *(f"{each.marker}\n\n{fill(each.body, self.engagement)}" for each in hung),
            ),
        )

    def _change(self, action: ChangeIssue) -> None:
        iid = NUMBERS[action.role]
        issue = self.issues[iid]
        text = issue.description if action.parts is None else revise(issue.description, new=action.parts).description
        labels = [
            each for each in dict.fromkeys([*issue.labels, *action.add_labels]) if each not in action.remove_labels
        ]
        for name in action.add_labels:
            if name not in issue.labels:
                self._sign(iid, name, BOT, is_added=True)
        for name in action.remove_labels:
            if name in issue.labels:
                self._sign(iid, name, BOT, is_added=False)
        self.issues[iid] = replace(
            issue,
            description=with_answers(text, {key: value for key, value, _ in action.answers}),
            labels=tuple(labels),
            assignees=issue.assignees if action.assignee is None else (Person(7, action.assignee),),
            is_open=issue.is_open if action.is_open is None else action.is_open,
        )

    # -- how it stands

    def state(self, track: str = "proposal") -> str:
        assert self.engagement is not None
        return self.engagement.standing.places[track].state

    def labels(self, on: IssueRole = SCOPING) -> frozenset[str]:
        return frozenset(self.issues[NUMBERS[on]].labels)

    def text(self, on: IssueRole = SCOPING) -> str:
        return self.issues[NUMBERS[on]].description

    def answer(self, key: str, on: IssueRole = INTAKE) -> str:
        row = next(line for line in self.text(on).split("\n") if line.endswith(f"| `{key}` |"))
        return row.split("|")[2].strip()

    def record(self) -> dict[str, object]:
        """Everything that is known of the engagement, but for what changes with every look."""
        assert self.engagement is not None
        kept = self.engagement.standing.to_record()
        return {name: kept[name] for name in ("places", "approvals", "papers", "marks", "reopened")}


def begun(book: Playbook | None = None, **changes: object) -> Talk:
    """An engagement just submitted by Alice, with Erin as its EM."""
    return begun_with(submitted(sales_territory="EMEA DACH", services=["migration_scm"], **changes), book)


def begun_with(submission: Submission, book: Playbook | None = None) -> Talk:
    """An engagement just submitted."""
    talk = Talk(book or playbook())
    event = SubmissionReceived(submission)
    ident = str(event.submission.submission_id)
    wanted = needs(event, None, talk.book, registry, bot=BOT)
    decision = decide(event, talk.snapshot(wanted, lane=ident), talk.book, talk.now, registry)
    engagement = decision.engagement
    assert engagement is not None
    for action in decision.actions:
        if isinstance(action, CreateIssue):
            iid = NUMBERS[action.role]
            engagement = engagement.with_issue(
                action.role, IssueLink(iid, f"https://gitlab.example.com/-/issues/{iid}")
            )
            talk.issues[iid] = Issue(
                iid=iid,
                web_url=f"https://gitlab.example.com/-/issues/{iid}",
                title=action.title,
                description=fill(action.description, engagement),
                labels=action.labels,
                author=BOT,
                assignees=() if action.assignee is None else (Person(3, action.assignee),),
                due_date=action.due_date,
                confidential=action.confidential,
                is_open=True,
            )
            for name in action.labels:
                talk._sign(iid, name, BOT, is_added=True)
        elif isinstance(action, LinkIssues | TellStatus):
            if isinstance(action, TellStatus):
                talk.first_notes[action.role] = fill(action.body, engagement)
            engagement = fold(engagement, action, {"note": 1001})
            assert engagement is not None
    talk.engagement = engagement
    return talk


def _holders(role: Holders) -> frozenset[str]:
    least = None if role.access_level is None else ACCESS_LEVELS[role.access_level]
    by_level = {each.username for each in CAST if least is not None and each.level >= least}
    return frozenset({name.lower() for name in role.users} | by_level)


WAY: Mapping[str, tuple[tuple[str, str], ...]] = {
    "awaiting_discovery": (("erin", "/ps next"),),
    "strawman_wip": (("erin", "/ps next"),),
    "estimate_feedback": (("erin", "/ps estimate 62000 USD ff"), ("erin", "/ps next"), ("tara", "/ps ta approve")),
    "sow_wip": (("erin", "/ps agree"), ("erin", "/ps next"), ("erin", f"/ps sow {SOW}"), ("erin", f"/ps cogs {COGS}")),
    "ready_for_approval": (("ravi", "/ps rdm approve"), ("erin", "/ps submit")),
    "approved": (("rhea", "/ps revenue approve"), ("dana", "/ps approve")),
    "closed_won": (("erin", "/ps won"),),
}
"""State → what is said to get there from the state before."""


def at(state: str) -> Talk:
    """An engagement that people have talked as far as this state; talked once, and copied."""
    return _talked(state).copy()


@cache
def _talked(state: str) -> Talk:
    talk = begun()
    if state == "open":
        return talk
    for name, said in WAY.items():
        for by, text in said:
            heard = talk.say(by, text)
            assert not heard.is_refused, (text, heard.reply)
        if name == state:
            break
    assert talk.state() == state
    return talk
