"""What surrounds issues in the sandbox: links, reactions, uploads and boards."""

from __future__ import annotations

import re

from app.sandbox.hook_shapes import emoji_event
from app.sandbox.interpret import Interpretation
from app.sandbox.notes import Notes
from app.sandbox.records import AccessLevel, Award, Board, BoardList, Issue, Link, Upload, User
from app.sandbox.refusals import Refused, bad_request, conflict, forbidden, invalid, not_found

LINK_TYPES = ("relates_to", "blocks", "is_blocked_by")


class Surroundings(Notes):
    """Links, reactions, uploads, boards."""

    # Links

    def link_issues(self, who: User | str, iid: int, target_iid: int, *, link_type: str = "relates_to") -> Link:
        """Link two issues (Guest and up); 409 when they are linked; no webhook tells of it."""
        with self.lock:
            user = self.demand(who, AccessLevel.GUEST)
            source, target = self.visible_issue(user, iid), self.visible_issue(user, target_iid)
            if link_type not in LINK_TYPES:
                raise bad_request("link_type does not have a valid value")
            if source.iid == target.iid:
                raise bad_request("Issue cannot be related to itself")
            if self._link_between(iid, target_iid):
                raise conflict("Issue(s) already assigned")
            link = Link(self.next_id("link"), iid, target_iid, link_type, self.clock())
            self.links[link.id] = link
            return link

    def _link_between(self, iid: int, other_iid: int) -> Link | None:
        ends = {iid, other_iid}
        return next((link for link in self.links.values() if {link.source_iid, link.target_iid} == ends), None)

    def links_of(self, who: User | str, iid: int) -> list[Link]:
        """The links of an issue, in both directions, to issues this user may see."""
        with self.lock:
            user = self.user(who)
            self.visible_issue(user, iid)
            return [link for link in self.links.values() if self._other_end(user, link, iid)]

    def _other_end(self, user: User, link: Link, iid: int) -> Issue | None:
        if iid not in (link.source_iid, link.target_iid):
            return None
        other = self.issue(link.target_iid if link.source_iid == iid else link.source_iid)
        return other if self.can_see(user, other) else None

    def unlink_issues(self, who: User | str, iid: int, number: int) -> Link:
        """Remove a link by its id (Guest and up); 404 if this issue has no such link."""
        with self.lock:
            user = self.demand(who, AccessLevel.GUEST)
            self.visible_issue(user, iid)
            link = self.links.get(number)
            if link is None or iid not in (link.source_iid, link.target_iid):
                raise not_found()
            del self.links[number]
            return link

    # Reactions

    def react(self, who: User | str, iid: int, name: str, *, note_id: int | None = None) -> Award:
        """React to an issue or a comment; a second equal reaction is a 404, as GitLab has it."""
        with self.lock:
            user = self.demand(who, AccessLevel.GUEST)
            self.visible_issue(user, iid)
            if any(
                (award.user_id, award.name) == (user.id, name) for award in self.reactions(user, iid, note_id=note_id)
            ):
                raise not_found("Award Emoji Name has already been taken Not Found")
            award = Award(self.next_id("award"), iid, note_id, name, user.id, self.clock())
            self.awards[award.id] = award
            self._bump(note_id)
            self._fire_emoji(award, user, event_type="award")
            return award

    def reactions(self, who: User | str, iid: int, *, note_id: int | None = None) -> list[Award]:
        """The reactions to an issue, or to one of its comments."""
        with self.lock:
            self.visible_issue(who, iid)
            if note_id is not None:
                self.note(who, iid, note_id)
            return [award for award in self.awards.values() if (award.issue_iid, award.note_id) == (iid, note_id)]

    def unreact(self, who: User | str, iid: int, number: int) -> None:
        """Take back a reaction (its owner, or an administrator)."""
        with self.lock:
            user = self.demand(who, AccessLevel.GUEST)
            self.visible_issue(user, iid)
            award = self.awards.get(number)
            if award is None or award.issue_iid != iid:
                raise not_found()
            if award.user_id != user.id and not user.is_admin:
                raise forbidden()
            del self.awards[number]
            self._bump(award.note_id)
            self._fire_emoji(award, user, event_type="revoke")

    def _bump(self, note_id: int | None) -> None:
        if note_id is not None:
            self.notes[note_id].updated_at = self.clock()

    def _fire_emoji(self, award: Award, user: User, *, event_type: str) -> None:
        self.fire("emoji_events", lambda: emoji_event(self, award=award, user=user, event_type=event_type))

    def _carry_out(self, user: User, issue: Issue, told: Interpretation) -> None:
        super()._carry_out(user, issue, told)
        for target in told.links:
            if not self._link_between(issue.iid, target):
                self.link_issues(user, issue.iid, target)
        for name in told.reactions:
            mine = [a for a in self.reactions(user, issue.iid) if (a.user_id, a.name) == (user.id, name)]
            if mine:
                self.unreact(user, issue.iid, mine[0].id)
            else:
                self.react(user, issue.iid, name)

    # Uploads

    def upload(self, who: User | str, filename: str, content: bytes) -> Upload:
        """Keep a file (Guest and up), under a plain name; its address has a secret part."""
        with self.lock:
            user = self.demand(who, AccessLevel.GUEST)
            if len(content) > self.most_upload_bytes:
                raise Refused(413, {"message": "413 Request Entity Too Large"})
            filename = re.sub(r"[^\w.+-]", "_", filename)
            secret = self.new_uuid().replace("-", "")
            kept = Upload(self.next_id("upload"), secret, filename, content, user.id, self.clock())
            self.uploads[kept.id] = kept
            return kept

    def uploaded(self, secret: str, filename: str) -> Upload:
        """A file by the two parts of its address; 404 if there is none."""
        for kept in self.uploads.values():
            if (kept.secret, kept.filename) == (secret, filename):
                return kept
        raise not_found()

    # Boards

    def create_board(self, who: User | str, name: str) -> Board:
        """Make an issue board (Planner and up)."""
        with self.lock:
            self.demand(who, AccessLevel.PLANNER)
            board = Board(self.next_id("board"), name)
            self.boards[board.id] = board
            return board

    def board(self, number: int) -> Board:
        """A board by its id; 404 if there is none."""
        if number not in self.boards:
            raise not_found("Board Not Found")
        return self.boards[number]

    def add_board_list(self, who: User | str, number: int, *, label_id: int) -> BoardList:
        """Add a column for a label (Planner and up)."""
        with self.lock:
            self.demand(who, AccessLevel.PLANNER)
            board = self.board(number)
            if label_id not in self.labels:
                raise Refused(400, {"message": {"error": "Label not found!"}})
            if any(column.label_id == label_id for column in board.lists):
                raise invalid("label_id", "has already been taken")
            column = BoardList(self.next_id("board_list"), label_id, len(board.lists))
            board.lists.append(column)
            return column

    def move_board_list(self, who: User | str, number: int, list_id: int, *, position: int) -> BoardList:
        """Put a column at another place (Planner and up); the others make room."""
        with self.lock:
            self.demand(who, AccessLevel.PLANNER)
            lists = self.board(number).lists
            column = next((each for each in lists if each.id == list_id), None)
            if column is None:
                raise not_found()
            if not 0 <= position < len(lists):
                raise Refused(400, {"message": {"error": "List could not be moved!"}})
            lists.remove(column)
            lists.insert(position, column)
            for place, each in enumerate(lists):
                each.position = place
            return column
