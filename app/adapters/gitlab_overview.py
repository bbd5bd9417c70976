"""GitLab as a sweep looks at it: lists of issues and comments, and, as a Maintainer, the webhooks and their log.

python-gitlab knows neither the log nor the test of a hook, so those are plain requests.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any, Final, cast
from urllib.parse import quote

from app.adapters.gitlab import PythonGitLab
from app.adapters.gitlab_values import comment_of, failed_delivery_of, hook_of, last_edit_of, listed_of, moment
from app.adapters.pages import PER_PAGE
from app.errors import Permanent
from app.listing import Listing
from app.ports import Comment, FailedDelivery, Hook, ListedIssue

MOST_ISSUES: Final = 10_000
MOST_COMMENTS: Final = 10_000
"""Of one issue; GitLab itself takes 5,000, and is read from the newest backwards."""
MOST_HOOKS: Final = 100
FAILED_PER_PAGE: Final = 20
"""GitLab's own maximum for this list."""
LAST_EDIT: Final = "query($id: NoteID!) { note(id: $id) { updatedAt lastEditedAt lastEditedBy { id } } }"
TWO_STEPS: Final = timedelta(seconds=2)
"""GitLab may write a new comment in two steps."""


class GitLabOverview(PythonGitLab):
    """Implements ports.Overview."""

    def open_issues(self, *, since: datetime) -> Listing[ListedIssue]:
        """By age, so that a change meanwhile moves nothing from one page to another."""
        return self._by_age("opened", since)

    def issues_since(self, moment: datetime) -> Listing[ListedIssue]:
        """Newest last: an issue that changes meanwhile moves to the end and is met there."""
        query = {"state": "all", "order_by": "updated_at", "sort": "asc", "updated_after": moment.isoformat()}
        return self._listed(query)

    def all_issues(self, *, since: datetime) -> Listing[ListedIssue]:
        """By age."""
        return self._by_age("all", since)

    def comments_since(self, iid: int, moment: datetime) -> Listing[Comment]:
        """From the newest backwards, until one is met that is older."""

        def ask() -> Listing[Comment]:
            query = {"order_by": "updated_at", "sort": "desc", "activity_filter": "only_comments"}
            found = self._notes(iid).list(iterator=True, per_page=PER_PAGE, **query)
            rows = (each.attributes for each in found if not each.attributes.get("system"))
            newest = takewhile(lambda each: each.updated_at >= moment, map(comment_of, rows))
            read = Listing.at_most(newest, MOST_COMMENTS)
            return Listing(reversed(read), is_cut=read.is_cut)

        return self._call("GET notes", "api", ask)

    def edited_at(self, comment: Comment) -> datetime | None:
        """A question in GraphQL, for a comment that was touched: REST tells an edit from nothing else.

        GitLab before 15.9 does not know it: there, what was touched counts as edited.
        """
        if comment.updated_at == comment.created_at:
            return None
        try:
            told = self._call("QUERY note", "api", lambda: self._ask(LAST_EDIT, f"gid://gitlab/Note/{comment.id}"))
        except Permanent:
            told = {}
        note = (told.get("data") or {}).get("note")
        if note is None:
            return comment.updated_at if comment.updated_at - comment.created_at > TWO_STEPS else None
        return last_edit_of(note)

    def _ask(self, query: str, ident: str) -> dict[str, Any]:
        client = self._client()
        body = {"query": query, "variables": {"id": ident}}
        return cast("dict[str, Any]", client.http_post(f"{client.url}/api/graphql", post_data=body))

    def reacted_at(self, iid: int, note_id: int, name: str) -> datetime | None:
        """GET the emoji of a comment."""
        me = self.whoami().id

        def ask() -> datetime | None:
            given = self._notes(iid).get(note_id, lazy=True).awardemojis.list(iterator=True, per_page=PER_PAGE)
            mine = (each for each in given if each.name == name and each.user["id"] == me)
            return next((moment(each.created_at) for each in mine), None)

        return self._call("GET reactions", "api", ask)

    def _by_age(self, state: str, since: datetime) -> Listing[ListedIssue]:
        order = {"order_by": "created_at", "sort": "asc"}
        return self._listed({"state": state, "created_after": since.isoformat(), **order})

    def _listed(self, query: dict[str, str]) -> Listing[ListedIssue]:
        def ask() -> Listing[ListedIssue]:
            parameters = {**query, "scope": "all"}
            found = self._scope().issues.list(query_parameters=parameters, iterator=True, per_page=PER_PAGE)
            return Listing.at_most((listed_of(each.attributes) for each in found), MOST_ISSUES)

        return self._call("GET issues", "api", ask)


class GitLabHooks(PythonGitLab):
    """Implements ports.HookKeeper; made with the operator's token, where there is one."""

    def hooks(self) -> Listing[Hook]:
        """GET the project's hooks; those of its groups are not among them."""

        def ask() -> Listing[Hook]:
            found = self._scope().hooks.list(iterator=True, per_page=PER_PAGE)
            return Listing.at_most((hook_of(each.attributes) for each in found), MOST_HOOKS)

        return self._call("GET hooks", "api", ask)

    def failed_deliveries(
        self, hook_id: int, *, since: datetime, from_page: int, pages: int
    ) -> Listing[FailedDelivery]:
        """Both kinds of failure, newest first on GitLab's side; a timeout is among the server's."""
        asked = range(from_page, from_page + pages)
        kinds = [self._failed(hook_id, since, status, asked) for status in ("client_failure", "server_failure")]
        found = sorted((each for kind in kinds for each in kind), key=lambda each: (each.at, each.id))
        return Listing(found, is_cut=any(kind.is_cut for kind in kinds))

    def test_hook(self, hook_id: int) -> None:
        """POST a test of issue events, which the hook has to send anyway; GitLab answers 422 where it failed."""
        path = f"{self._hook(hook_id)}/test/issues_events"
        self._call("POST hook test", "hook test", lambda: self._client().http_post(path))

    def _failed(self, hook_id: int, since: datetime, status: str, pages: range) -> Listing[FailedDelivery]:
        rows: list[dict[str, Any]] = []
        is_cut = True
        for page in pages:
            query = {"status": status, "page": page, "per_page": FAILED_PER_PAGE}
            found = self._call("GET hook events", "api", lambda q=query: self._log(hook_id, q))  # type: ignore[misc]
            fresh = [row for row in found if moment(row["created_at"]) >= since]
            rows += fresh
            if len(fresh) < FAILED_PER_PAGE:
                is_cut = False
                break
        return Listing(map(failed_delivery_of, rows), is_cut=is_cut)

    def _log(self, hook_id: int, query: dict[str, Any]) -> list[dict[str, Any]]:
        answer: Any = self._client().http_get(f"{self._hook(hook_id)}/events", query_data=query)
        return list(answer)

    def _hook(self, hook_id: int) -> str:
        return self._within(f"hooks/{hook_id}")

    def _within(self, rest: str) -> str:
        """The path of something in the project."""
        return f"/projects/{quote(self._project, safe='')}/{rest}".rstrip("/")
