"""GitLab through python-gitlab: one request per operation, no retry of its own, every answer turned into our terms.

python-gitlab is synchronous and its session is not for sharing: each worker thread has its own client. Its retries are
off, because they would repeat a POST (two issues) and sleep in the worker.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import partial
from itertools import islice
from time import monotonic
from typing import Any, TypeVar
from urllib.parse import quote

import gitlab
import requests
from gitlab.exceptions import GitlabError

from app.adapters.gitlab_values import (
    assignment_of,
    is_assignment,
    issue_of,
    label_event_of,
    member_of,
    note_of,
    person_of,
    state_event_of,
)
from app.adapters.limits import EVERYTHING
from app.adapters.pages import MOST_PAGES, PER_PAGE, Page, Row, newest_rows
from app.adapters.restraint import Restraint
from app.adapters.watch import OK
from app.clock import Clock
from app.errors import Absent, Held, Permanent, Retry, VendorDown
from app.listing import Listing
from app.ports import Assignment, Issue, IssueChange, LabelEvent, Member, NewIssue, Note, Person, StateEvent
from app.tracing import span
from app.uploads import upload_at

T = TypeVar("T")

CHUNK = 64 * 1024
MOST_MEMBERS = 1000
MOST_FOUND = 20
_LINK = re.compile(r"!?\[[^\[\]\n`]*\]\([^()\s`]+\)")
RETRIED = frozenset({401, 408, 409, 425, 429})
"""Besides 5xx: 401 may be a token in rotation, 409 GitLab's resource lock, which it answers to parallel writers."""


class _Client(gitlab.Gitlab):
    """python-gitlab with all of its own waiting and repeating switched off, whatever a manager asks for."""

    before_request: Callable[[], None]
    """Asked before each request: a list is read in several."""

    def http_request(self, *args: Any, **kwargs: Any) -> requests.Response:
        self.before_request()
        path = str(kwargs["path"] if "path" in kwargs else args[1])
        if not self._build_url(path).startswith(self.url + "/"):
            # the next page of a list is where a Link header says, which python-gitlab follows to any host
            raise Permanent("GitLab's answer leads to another address: PSPLAN_GITLAB_URL must be its final one")
        quiet = {"obey_rate_limit": False, "retry_transient_errors": False, "max_retries": 0}
        return super().http_request(*args, **{**kwargs, **quiet})


class PythonGitLab:
    """The PS Plan project over REST. Implements ports.GitLab."""

    def __init__(
        self,
        *,
        url: str,
        token: str | Callable[[], str],
        project: str,
        timeout_s: float,
        clock: Clock,
        restraint: Restraint,
        is_stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        """`token`: a function where it may change.

        `is_stopping`: no request is begun any more; for who reads long lists, and may leave off in the middle.
        """
        self._url = url
        self._token = token if callable(token) else lambda: token
        self._project = project
        self._timeout_s = timeout_s
        self._clock = clock
        self._restraint = restraint
        self._quotas = restraint.quotas
        self._vendor = restraint.vendor
        self._is_stopping = is_stopping
        self._mine = threading.local()

    def whoami(self) -> Person:
        """GET /user."""

        def ask() -> Person:
            client = self._client()
            client.auth()
            assert client.user is not None  # noqa: S101
            return Person(client.user.id, client.user.username)

        return self._call("GET user", "api", ask)

    def members(self) -> Sequence[Member]:
        """The first thousand members; who is missing is asked for by name."""

        def ask() -> list[Member]:
            found = self._scope().members_all.list(iterator=True, per_page=100)
            return [member_of(each.attributes) for each in islice(found, MOST_MEMBERS)]

        return self._call("GET members", "members", ask)

    def group_members(self, path: str) -> Sequence[Person]:
        """The first thousand members of a group; GitLab answers 404 for a group that the bot may not see."""

        def ask() -> list[Person]:
            found = self._client().groups.get(path, lazy=True).members_all.list(iterator=True, per_page=100)
            return [person_of(each.attributes) for each in islice(found, MOST_MEMBERS)]

        return self._call("GET group members", "members", ask)

    def find_user(self, username: str) -> Person | None:
        """GET /users?username=, which matches the whole name."""

        def ask() -> Person | None:
            found = self._client().users.list(username=username, get_all=False)
            return next((Person(u.id, u.username) for u in found if u.username.lower() == username.lower()), None)

        return self._call("GET users", "api", ask)

    def create_issue(self, new: NewIssue) -> Issue:
        """One POST with everything in it."""
        body: dict[str, Any] = {"title": new.title, "description": new.description}
        if new.labels:
            body["labels"] = ",".join(new.labels)
        if new.assignee_id is not None:
            body["assignee_ids"] = [new.assignee_id]
        if new.due_date is not None:
            body["due_date"] = new.due_date.isoformat()
        if new.confidential:
            body["confidential"] = True
        return self._call("POST issue", "issues", lambda: issue_of(self._scope().issues.create(body).attributes))

    def read_issue(self, iid: int) -> Issue:
        """GET one issue."""
        return self._call("GET issue", "api", lambda: issue_of(self._scope().issues.get(iid).attributes))

    def change_issue(self, iid: int, change: IssueChange) -> Issue:
        """One PUT; labels as differences, so that a concurrent change of another label survives."""
        body: dict[str, Any] = {}
        if change.title is not None:
            body["title"] = change.title
        if change.description is not None:
            body["description"] = change.description
        if change.add_labels:
            body["add_labels"] = ",".join(change.add_labels)
        if change.remove_labels:
            body["remove_labels"] = ",".join(change.remove_labels)
        if change.assignee_id is not None:
            body["assignee_ids"] = [change.assignee_id]
        if change.due_date is not None:
            body["due_date"] = change.due_date.isoformat()
        if change.confidential is not None:
            body["confidential"] = change.confidential
        if change.is_open is not None:
            # GitLab tells it in two deliveries: the state before the labels change, then the rest
            body["state_event"] = "reopen" if change.is_open else "close"
        return self._call("PUT issue", "api", lambda: issue_of(dict(self._scope().issues.update(iid, body))))

    def search_issues(self, words: str) -> Sequence[Issue]:
        """GET with `search` in descriptions: PostgreSQL's own index, which sees a new issue at once."""

        def ask() -> list[Issue]:
            query = {"search": words, "in": "description", "state": "all", "scope": "all", "order_by": "created_at"}
            found = self._scope().issues.list(query_parameters=query, per_page=MOST_FOUND, get_all=False)
            return [issue_of(each.attributes) for each in found]

        return self._call("GET issues", "search", ask)

    def link_issues(self, iid: int, other_iid: int) -> None:
        """POST a link; 409 means that it is there."""

        def ask() -> None:
            project = self._scope()
            target = {"target_project_id": self._project, "target_issue_iid": other_iid}
            try:
                project.issues.get(iid, lazy=True).links.create(target)
            except GitlabError as fault:
                if fault.response_code != 409 or "already assigned" not in str(fault):
                    raise

        self._call("POST link", "api", ask)

    def create_note(self, iid: int, body: str, *, internal: bool = False) -> Note:
        """POST a comment. Below Planner GitLab drops `internal` without a word; the bot has to be Planner anyway."""
        said: dict[str, Any] = {"body": body, "internal": True} if internal else {"body": body}

        def ask() -> Note:
            return _kept(self._notes(iid).create(said).attributes)

        return self._call("POST note", "notes", ask)

    def edit_note(self, iid: int, note_id: int, body: str) -> Note:
        """PUT a comment; the limit for new comments does not count edits."""
        return self._call("PUT note", "api", lambda: _kept(self._notes(iid).update(note_id, {"body": body})))

    def react(self, iid: int, note_id: int, name: str) -> None:
        """POST an emoji; a second one of the same name is answered 404 and "already taken"."""

        def ask() -> None:
            try:
                self._notes(iid).get(note_id, lazy=True).awardemojis.create({"name": name})
            except GitlabError as fault:
                if "already" not in str(fault.error_message).lower():
                    raise

        self._call("POST reaction", "api", ask)

    def unreact(self, iid: int, note_id: int, name: str) -> None:
        """GET the emoji of a comment and DELETE the bot's own of that name: GitLab deletes by number only."""
        me = self.whoami().id

        def ask() -> None:
            given = self._notes(iid).get(note_id, lazy=True).awardemojis
            for each in given.list(iterator=True, per_page=PER_PAGE):
                if each.name == name and each.user["id"] == me:
                    given.delete(each.id)

        self._call("DELETE reaction", "api", ask)

    def delete_note(self, iid: int, note_id: int) -> None:
        """DELETE a comment; 404 means that it is gone."""

        def ask() -> None:
            try:
                self._notes(iid).delete(note_id)
            except GitlabError as fault:
                if fault.response_code != 404:
                    raise

        self._call("DELETE note", "api", ask)

    def upload(self, file_name: str, content: bytes, content_type: str) -> str:
        """POST a file. Every user of GitLab may do that; its `markdown` is the link for a text of the same project."""

        def ask() -> str:
            path = f"/projects/{quote(self._project, safe='')}/uploads"
            answer = self._client().http_post(path, files={"file": (file_name, content, content_type)})
            link = answer.get("markdown") if isinstance(answer, dict) else None
            if not isinstance(link, str) or not _LINK.fullmatch(link):
                raise Permanent("GitLab's answer to POST upload has no link that could stand in a comment")
            return link

        return self._call("POST upload", "api", ask)

    def download(self, path: str, *, most_bytes: int) -> bytes | None:
        """GET an upload by its secret (18.x: for every member), piece by piece, and no more than was asked for."""
        upload = upload_at(path)
        if upload is None:
            return None

        def ask() -> bytes | None:
            project, name = quote(self._project, safe=""), quote(upload.name, safe="")
            answer = self._client().http_request(
                "get", f"/projects/{project}/uploads/{upload.secret}/{name}", streamed=True
            )
            held = bytearray()
            with answer:
                for piece in answer.iter_content(CHUNK):
                    held += piece
                    if len(held) > most_bytes:
                        return None
            return bytes(held)

        try:
            return self._call("GET upload", "api", ask)
        except Permanent:  # also where it may not be read
            return None

    def latest_notes(self, iid: int, *, back_to: datetime | None = None) -> Sequence[Note]:
        """One page, newest first; more of them, at most twenty, until one begins before `back_to`."""

        def ask(page: int) -> list[dict[str, Any]]:
            words = {"order_by": "created_at", "sort": "desc", "per_page": PER_PAGE, "page": page}
            return [each.attributes for each in self._notes(iid).list(**words, get_all=False)]

        found: list[dict[str, Any]] = []
        for page in range(1, MOST_PAGES + 1):
            rows = self._call("GET notes", "api", partial(ask, page))
            found += rows
            if back_to is None or len(rows) < PER_PAGE or datetime.fromisoformat(rows[-1]["created_at"]) < back_to:
                break
        return [note_of(each) for each in found]

    def assignments(self, iid: int) -> Sequence[Assignment]:
        """One page of GitLab's own notes, newest first; it has no events of assignees. They are never translated."""

        def ask() -> list[Assignment]:
            query = {"order_by": "created_at", "sort": "desc", "activity_filter": "only_activity"}
            found = self._notes(iid).list(per_page=PER_PAGE, get_all=False, **query)
            return [assignment_of(each.attributes) for each in found if is_assignment(each.attributes)]

        return self._call("GET notes", "api", ask)

    def label_events(self, iid: int, *, after: int = 0) -> Listing[LabelEvent]:
        """One page where that is all, else from the last page backwards, at most twenty pages."""
        rows = newest_rows(lambda page: self._page("GET label events", iid, "resourcelabelevents", page), after=after)
        return Listing(map(label_event_of, rows), is_cut=rows.is_cut)

    def state_events(self, iid: int, *, after: int = 0) -> Listing[StateEvent]:
        """As label_events."""
        rows = newest_rows(lambda page: self._page("GET state events", iid, "resourcestateevents", page), after=after)
        return Listing((event for event in map(state_event_of, rows) if event is not None), is_cut=rows.is_cut)

    def _page(self, verb: str, iid: int, history: str, page: int) -> Page:
        def ask() -> Page:
            events = getattr(self._scope().issues.get(iid, lazy=True), history)
            rows: list[Row] = [each.attributes for each in events.list(page=page, per_page=PER_PAGE, get_all=False)]
            headers = self._mine.headers
            has_next = bool(headers.get("X-Next-Page")) or 'rel="next"' in headers.get("Link", "")
            # above 10,000 rows GitLab does not count
            pages = headers.get("X-Total-Pages")
            return Page(rows, has_next, int(pages) if pages else None)

        return self._call(verb, "api", ask)

    def _notes(self, iid: int) -> Any:
        return self._scope().issues.get(iid, lazy=True).notes

    def _client(self) -> _Client:
        client: _Client | None = getattr(self._mine, "client", None)
        token = self._token()
        if client is None or client.private_token != token:
            session = requests.Session()
            session.max_redirects = 0  # the token must not follow a redirect to another host
            session.hooks["response"].append(self._remember)
            # python-gitlab hands its token over as `auth`, so that requests asks no ~/.netrc; proxies and a CA bundle
            # of the environment are obeyed, since an operator puts them there
            client = _Client(
                self._url,
                private_token=token,
                timeout=self._timeout_s,
                session=session,
                keep_base_url=True,
            )
            client.before_request = self._admit
            self._mine.client = client
            self._mine.project = client.projects.get(self._project, lazy=True)
        return client

    def _admit(self) -> None:
        if self._is_stopping():
            raise Held("the service is stopping")
        self._quotas.take(EVERYTHING)

    def _scope(self) -> Any:
        self._client()
        return self._mine.project

    def _remember(self, response: requests.Response, **_: Any) -> None:
        # python-gitlab's errors carry no headers, and Retry-After is one
        self._mine.headers = response.headers

    def _call(self, verb: str, bucket: str, ask: Callable[[], T]) -> T:
        self._restraint.gates(self._token()).check(bucket)
        with self._vendor.breaker.call(), span(f"gitlab {verb}"), self._translated(verb, bucket):
            if bucket != EVERYTHING:
                self._quotas.take(bucket)
            answer = ask()
            self._ended(verb, OK)
        return answer

    @contextmanager
    def _translated(self, verb: str, bucket: str) -> Iterator[None]:
        self._mine.headers = {}
        self._mine.began_at = monotonic()
        may_have_written = verb.startswith("POST")
        try:
            yield
        except GitlabError as fault:
            code = fault.response_code or 0
            self._ended(verb, str(code or "unreadable"))
            raise self._in_our_terms(fault, code, verb, bucket, may_have_written=may_have_written) from fault
        except requests.TooManyRedirects as fault:
            self._ended(verb, "redirect")
            final = "PSPLAN_GITLAB_URL must be its final address, and PSPLAN_PROJECT where the project is now"
            raise Permanent(f"GitLab redirected {verb}: {final}") from fault
        except requests.RequestException as fault:
            self._ended(verb, "network")
            doubt = may_have_written and not _never_left(fault)
            raise VendorDown(f"GitLab did not answer {verb} ({type(fault).__name__})", in_doubt=doubt) from fault

    def _ended(self, verb: str, outcome: str) -> None:
        self._vendor.watch.ended(verb, outcome, self._mine.headers, began_at=self._mine.began_at)
        if outcome not in {"network", "redirect"}:
            self._vendor.answered(self, is_refused=outcome == "401")

    def _in_our_terms(
        self, fault: GitlabError, code: int, verb: str, bucket: str, *, may_have_written: bool
    ) -> Retry | Permanent:
        said = f"GitLab answered {code} to {verb}"
        if code == 429:
            wait_s = _seconds(self._mine.headers.get("Retry-After"), self._clock())
            # the limit of all calls is told as plain text, that of one kind as JSON
            whole = "text/plain" in self._mine.headers.get("Content-Type", "")
            if wait_s is not None:
                self._restraint.gates(self._token()).close(EVERYTHING if whole else bucket, wait_s)
            return Retry(said, after_s=wait_s)
        if code in RETRIED:
            return Retry(said)
        if code == 404:
            return Absent(f"{said}: it is not there, or the bot may not see it")
        if 400 <= code < 500:
            return Permanent(f"{said}: {str(fault.error_message)[:300]}")
        # whether the write happened is not known
        if code >= 500:
            return VendorDown(said, in_doubt=may_have_written)
        return Retry(f"GitLab's answer to {verb} could not be read", in_doubt=may_have_written)


def _never_left(fault: requests.RequestException) -> bool:
    """Whether the request certainly did not reach GitLab: no connection was made."""
    text = repr(fault.args)
    return isinstance(fault, requests.ConnectTimeout) or "NewConnectionError" in text or "NameResolutionError" in text


def _seconds(text: str | None, now: float) -> float | None:
    """Retry-After as seconds; a date counts from now. None where there is none."""
    if text is None or text.isdecimal():
        return None if text is None else float(text)
    with suppress(ValueError):
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    return None


def _kept(held: dict[str, Any]) -> Note:
    """The comment that GitLab kept."""
    if "id" not in held:
        # 202: GitLab took every line for a quick action and kept nothing; an edited comment is gone then
        raise Permanent("GitLab took the whole comment for quick actions")
    return note_of(held)
