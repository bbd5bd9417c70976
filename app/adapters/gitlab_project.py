"""GitLab as an operator keeps it: the project's labels, boards, webhooks and templates, and what a token may do there.

Plain requests, one for each step: python-gitlab would read a label before it changes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import Any, Final
from urllib.parse import quote

import orjson
from gitlab.exceptions import GitlabError, GitlabParsingError

from app.adapters.gitlab_overview import MOST_ISSUES, GitLabHooks
from app.adapters.gitlab_values import board_of, facts_of, file_of, label_of, token_of
from app.adapters.pages import PER_PAGE
from app.errors import Absent, NotAccepted, Permanent, Retry
from app.ports import HookWish
from app.project import AccessToken, Board, Instance, ProjectFacts, ProjectFile, ProjectLabel

MOST_LABELS: Final = 5_000
MOST_BOARDS: Final = 200
OWNER: Final = 50
COUNTS: Final = ("open_issues_count", "closed_issues_count", "open_merge_requests_count")


class GitLabProject(GitLabHooks):
    """Implements ports.ProjectKeeper; made with the operator's token, where there is one."""

    def instance(self) -> Instance:
        """GET /metadata, and the Date header of the answer."""

        def ask() -> Instance:
            held = self._get("/metadata")
            if "version" not in held:
                raise GitlabParsingError("no version")
            date = self._mine.headers.get("Date")
            clock = parsedate_to_datetime(date) if date else None
            return Instance(str(held["version"]), bool(held.get("enterprise")), clock)

        return self._call("GET metadata", "api", ask)

    def token(self) -> AccessToken:
        """GET the token itself; those of projects and groups are there as well."""
        return self._call("GET own token", "api", lambda: token_of(self._get("/personal_access_tokens/self")))

    def own_level(self) -> int:
        """GET /user and, unless that is an administrator, one member."""

        def ask() -> int:
            me = self._get("/user")
            if me.get("is_admin"):
                return OWNER
            try:
                return int(self._get(self._within(f"members/all/{me['id']}"))["access_level"])
            except GitlabError as fault:
                if fault.response_code != 404:
                    raise
                return 0

        return self._call("GET own role", "api", ask)

    def facts(self) -> ProjectFacts:
        """GET the project."""
        return self._call("GET project", "api", lambda: facts_of(self._get(self._within(""))))

    def labels(self) -> Sequence[ProjectLabel]:
        """GET the labels, those of groups above the project among them."""

        def ask() -> list[ProjectLabel]:
            found = self._client().http_list(self._within("labels"), iterator=True, per_page=PER_PAGE)
            return [label_of(each) for each in islice(found, MOST_LABELS)]

        return self._call("GET labels", "api", ask)

    def create_label(self, name: str, *, colour: str, description: str) -> None:
        """POST a label; 409 means that it is there."""

        def ask() -> None:
            body = {"name": name, "color": colour, "description": description}
            try:
                self._client().http_post(self._within("labels"), post_data=body)
            except GitlabError as fault:
                if fault.response_code != 409:
                    raise

        self._call("POST label", "api", ask)

    def change_label(
        self, label_id: int, *, name: str | None = None, colour: str | None = None, description: str | None = None
    ) -> None:
        """PUT what differs."""
        given = {"new_name": name, "color": colour, "description": description}
        body = {key: value for key, value in given.items() if value is not None}
        path = self._within(f"labels/{label_id}")
        self._call("PUT label", "api", lambda: self._client().http_put(path, post_data=body))

    def delete_unused_label(self, label_id: int, name: str) -> bool:
        """GET its counts, and DELETE it where they are all zero."""

        def ask() -> bool:
            query = {"search": name, "with_counts": True, "per_page": PER_PAGE}
            found: Any = self._client().http_get(self._within("labels"), query_data=query)
            held = next((each for each in found if each["id"] == label_id), None)
            if held is None or any(held.get(count) != 0 for count in COUNTS):
                return False
            self._client().http_delete(self._within(f"labels/{label_id}"))
            return True

        return self._call("DELETE label", "api", ask)

    def issues_with(self, label: str) -> Sequence[int]:
        """GET issues by label, open and closed."""

        def ask() -> list[int]:
            query = {"labels": label, "state": "all", "scope": "all", "order_by": "created_at", "sort": "asc"}
            found = self._client().http_list(self._within("issues"), query, iterator=True, per_page=PER_PAGE)
            return [each["iid"] for each in islice(found, MOST_ISSUES)]

        return self._call("GET issues", "api", ask)

    def boards(self) -> Sequence[Board]:
        """GET the boards; each comes with its columns."""

        def ask() -> list[Board]:
            found = self._client().http_list(self._within("boards"), iterator=True, per_page=PER_PAGE)
            return [board_of(each) for each in islice(found, MOST_BOARDS)]

        return self._call("GET boards", "api", ask)

    def create_board(self, name: str) -> None:
        """POST a board."""
        path = self._within("boards")
        self._call("POST board", "api", lambda: self._client().http_post(path, post_data={"name": name}))

    def add_list(self, board_id: int, label_id: int) -> None:
        """POST a column."""
        path = self._within(f"boards/{board_id}/lists")
        self._call("POST board list", "api", lambda: self._client().http_post(path, post_data={"label_id": label_id}))

    def move_list(self, board_id: int, list_id: int, position: int) -> None:
        """PUT a column's place."""
        path, body = self._within(f"boards/{board_id}/lists/{list_id}"), {"position": position}
        self._call("PUT board list", "api", lambda: self._client().http_put(path, post_data=body))

    def create_hook(self, wish: HookWish) -> None:
        """POST a hook. Its pushes are off explicitly: they are the only events that GitLab switches on by itself."""
        body, path = {**_settings(wish), "name": wish.name}, self._within("hooks")
        self._call("POST hook", "api", lambda: self._client().http_post(path, post_data=body))

    def change_hook(self, hook_id: int, wish: HookWish) -> None:
        """PUT a hook, every event with it: what is not named stays as it is."""
        path = self._hook(hook_id)

        def ask() -> None:
            held = self._get(path)
            known = {name: False for name, value in held.items() if name.endswith("_events") and value is not None}
            self._client().http_put(path, post_data={**known, **_settings(wish)})

        self._call("PUT hook", "api", ask)

    def last_answer(self, hook_id: int) -> str | None:
        """GET the newest entry of a hook's log."""
        try:
            rows = self._call("GET hook events", "api", lambda: self._log(hook_id, {"per_page": 1}))
        except Absent:  # before GitLab 17.3 there was no log
            return None
        return str(rows[0]["response_status"]) if rows else None

    def read_file(self, path: str, *, branch: str) -> ProjectFile | None:
        """GET a file of the branch."""
        try:
            return self._call("GET file", "api", lambda: file_of(self._get(self._file(path), {"ref": branch})))
        except Absent:
            return None

    def write_file(self, path: str, text: str, *, branch: str, message: str, over: ProjectFile | None) -> None:
        """POST a new file, or PUT one over the commit that was seen."""
        body = {"branch": branch, "content": text, "commit_message": message, "encoding": "text"}
        client, where = self._client(), self._file(path)
        if over is None:
            self._call("POST file", "api", lambda: client.http_post(where, post_data=body))
        else:
            known = {**body, "last_commit_id": over.commit}
            self._call("PUT file", "api", lambda: client.http_put(where, post_data=known))

    def _file(self, path: str) -> str:
        return self._within(f"repository/files/{quote(path, safe='')}")

    def _get(self, path: str, query: dict[str, Any] | None = None) -> dict[str, Any]:
        answer: Any = self._client().http_get(path, query_data=query or {})
        if not isinstance(answer, dict):
            raise GitlabParsingError("no object of JSON")
        return answer

    def _in_our_terms(
        self, fault: GitlabError, code: int, verb: str, bucket: str, *, may_have_written: bool
    ) -> Retry | Permanent:
        if code == 401:  # nobody rotates a token under an operator's hands; why it is refused is what they ask
            return NotAccepted(_why_not(fault))
        return super()._in_our_terms(fault, code, verb, bucket, may_have_written=may_have_written)


def _settings(wish: HookWish) -> dict[str, Any]:
    secrets = {"token": wish.token, "signing_token": wish.signing_token}
    return {
        "url": wish.url,
        "push_events": False,
        **dict.fromkeys(sorted(wish.events), True),
        "enable_ssl_verification": True,
        **{name: value for name, value in secrets.items() if value is not None},
    }


def _why_not(fault: GitlabError) -> str:
    """GitLab's reason for not taking a token: it tells an expired and a revoked one from one it never knew."""
    try:
        held = orjson.loads(fault.response_body or b"")
        said = str(held.get("error_description") or held.get("message") or "")
    except (orjson.JSONDecodeError, AttributeError):
        said = ""
    for word in ("expired", "revoked"):
        if word in said.lower():
            return f"it has {'been ' if word == 'revoked' else ''}{word}"
    return "GitLab does not know it"
