"""Labels of the sandbox project: made on demand, told apart by case, exclusive within a scope only on paid plans."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from app.sandbox.records import AccessLevel, Issue, Label, LabelEvent, User
from app.sandbox.refusals import conflict, invalid, not_found
from app.sandbox.webhooks import Webhooks

DEFAULT_COLOR = "#6699cc"
LONGEST_TITLE = 255
_COLOR = re.compile(r"#(?:[0-9a-fA-F]{3}){1,2}")


def split_titles(titles: str | Iterable[str]) -> list[str]:
    """Label titles from a string or a list; GitLab splits the items of a list at commas as well."""
    items = [titles] if isinstance(titles, str) else titles
    parts = [part.strip() for item in items for part in str(item).split(",")]
    return list(dict.fromkeys(part for part in parts if part))


class Labels(Webhooks):
    """What may be done with labels."""

    def create_label(
        self, who: User | str, title: str, *, color: str = DEFAULT_COLOR, description: str | None = None
    ) -> Label:
        """Make a project label (Planner and up); 409 when the title exists, in a group above too."""
        with self.lock:
            self.demand(who, AccessLevel.PLANNER)
            if title in self._label_by_title:
                raise conflict("Label already exists")
            _check(title=title, color=color)
            return self._new_label(title, color=color, description=description)

    def add_group_label(self, title: str, *, color: str = DEFAULT_COLOR, description: str | None = None) -> Label:
        """Make a label of the group above the project, as somebody else with a right to that did."""
        with self.lock:
            return self._new_label(title, color=color, description=description, is_group=True)

    def _new_label(
        self, title: str, *, color: str = DEFAULT_COLOR, description: str | None = None, is_group: bool = False
    ) -> Label:
        now = self.clock()
        label = Label(self.next_id("label"), title, color, description, now, now, is_group)
        self.labels[label.id] = self._label_by_title[title] = label
        return label

    def label(self, key: int | str) -> Label:
        """A label by id or exact title; 404 if there is none."""
        found = self._label_by_title.get(str(key))
        if found is None and str(key).isdigit():
            found = self.labels.get(int(key))
        if found is None:
            raise not_found("Label Not Found")
        return found

    def _own_label(self, key: int | str) -> Label:
        """A label of the project itself; one of a group is not found here."""
        label = self.label(key)
        if label.is_group:
            raise not_found("Label Not Found")
        return label

    def edit_label(
        self,
        who: User | str,
        key: int | str,
        *,
        title: str | None = None,
        color: str | None = None,
        description: str | None = None,
    ) -> Label:
        """Rename, recolour or describe a label (Planner and up); no webhook tells of it."""
        with self.lock:
            self.demand(who, AccessLevel.PLANNER)
            label = self._own_label(key)
            if title is not None and title != label.title and title in self._label_by_title:
                raise invalid("title", "has already been taken")
            _check(title=title or label.title, color=color or label.color)
            del self._label_by_title[label.title]
            label.title, label.color = title or label.title, color or label.color
            label.description = label.description if description is None else description
            label.updated_at = self.clock()
            self._label_by_title[label.title] = label
            return label

    def delete_label(self, who: User | str, key: int | str) -> None:
        """Delete a label (Planner and up); it vanishes from every issue without an event."""
        with self.lock:
            self.demand(who, AccessLevel.PLANNER)
            label = self._own_label(key)
            del self.labels[label.id], self._label_by_title[label.title]
            for issue in self.issues.values():
                issue.label_ids = [number for number in issue.label_ids if number != label.id]

    def _find_or_create(self, user: User, titles: Iterable[str]) -> list[Label]:
        """The labels with these titles; unknown ones are made, or left out in silence for want of a role."""
        may_create = self.level(user) >= AccessLevel.PLANNER
        found: list[Label] = []
        for title in titles:
            label = self._label_by_title.get(title)
            if label is None and may_create and len(title) <= LONGEST_TITLE:
                label = self._new_label(title)
            if label is not None:
                found.append(label)
        return found

    def _put_labels(self, user: User, issue: Issue, *, added: Sequence[Label], kept: Iterable[int]) -> None:
        """Give the issue the labels `kept` (ids) and `added`, and write the difference into its history."""
        before = set(issue.label_ids)
        wanted = dict.fromkeys(kept)
        for label in added:
            if self.scoped_labels and "::" in label.title and label.id not in wanted:
                scope = label.title.rpartition("::")[0]
                for number in [n for n in wanted if self.labels[n].title.rpartition("::")[0] == scope]:
                    del wanted[number]
            wanted[label.id] = None
        issue.label_ids = list(wanted)
        now = self.clock()
        for action, numbers in (("add", set(wanted) - before), ("remove", before - set(wanted))):
            for number in sorted(numbers):
                event_id = self.next_id("label_event")
                self.label_events.append(LabelEvent(event_id, issue.iid, user.id, number, action, now))


def _check(*, title: str, color: str) -> None:
    if not title.strip():
        raise invalid("title", "can't be blank")
    if "," in title or len(title) > LONGEST_TITLE:
        raise invalid("title", "is invalid")
    if not _COLOR.fullmatch(color):
        raise invalid("color", "must be a valid color code")
