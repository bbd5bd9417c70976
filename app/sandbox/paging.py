"""Pagination of REST lists: by page number with totals, or by keyset with an opaque cursor."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlencode

import orjson

from app.sandbox.refusals import Refused
from app.sandbox.routing import Answer, Call

T = TypeVar("T")
MOST_PER_PAGE = 100
DEFAULT_PER_PAGE = 20
# GitLab does not count longer lists.
MOST_COUNTED = 10_000


def paged(call: Call, rows: Sequence[T], show: Callable[[T], Any], *, most_per_page: int = MOST_PER_PAGE) -> Answer:
    """One page of `rows` with `Link`, `X-Total` and the other page headers."""
    per_page = min(max(call.integer("per_page", default=DEFAULT_PER_PAGE), 1), most_per_page)
    page = max(call.integer("page", default=1), 1)
    pages = max(-(-len(rows) // per_page), 1)
    start = (page - 1) * per_page
    links = [("first", 1), ("last", pages)]
    if page < pages:
        links.insert(0, ("next", page + 1))
    if page > 1:
        links.insert(0, ("prev", page - 1))
    headers = {
        "X-Per-Page": str(per_page),
        "X-Page": str(page),
        "X-Next-Page": str(page + 1) if page < pages else "",
        "X-Prev-Page": str(page - 1) if page > 1 else "",
    }
    if len(rows) <= MOST_COUNTED:
        headers |= {"X-Total": str(len(rows)), "X-Total-Pages": str(pages)}
    else:
        links = links[:-1]
    headers["Link"] = ", ".join(_link(call, name, page=number, per_page=per_page) for name, number in links)
    return Answer(200, [show(row) for row in rows[start : start + per_page]], headers)


def keyset(
    call: Call, rows: Sequence[T], show: Callable[[T], Any], *, key: Callable[[T], tuple[Any, int]], descending: bool
) -> Answer:
    """The rows behind the cursor; rows must be sorted by `key`, whose second part makes it unique. No totals."""
    per_page = min(max(call.integer("per_page", default=DEFAULT_PER_PAGE), 1), MOST_PER_PAGE)
    cursor = call.text("cursor")
    if cursor:
        edge = _read_cursor(cursor)
        rows = [row for row in rows if (_plain(key(row)) < edge if descending else _plain(key(row)) > edge)]
    page, rest = rows[:per_page], rows[per_page:]
    headers = {"X-Per-Page": str(per_page)}
    if rest:
        headers["Link"] = _link(call, "next", cursor=_write_cursor(key(page[-1])), per_page=per_page)
    return Answer(200, [show(row) for row in page], headers)


def _link(call: Call, name: str, **changed: Any) -> str:
    params = {key: value for key, value in call.params.items() if key not in ("page", "cursor")} | changed
    query = [(f"{key}[]" if isinstance(value, list) else key, value) for key, value in sorted(params.items())]
    return f'<{call.world.base_url}{call.path}?{urlencode(query, doseq=True)}>; rel="{name}"'


def _plain(key: tuple[Any, int]) -> list[Any]:
    value, number = key
    return [value.timestamp() if isinstance(value, datetime) else value, number]


def _write_cursor(key: tuple[Any, int]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(_plain(key))).decode()


def _read_cursor(cursor: str) -> list[Any]:
    try:
        edge = orjson.loads(base64.urlsafe_b64decode(cursor))
    except ValueError:
        edge = None
    if not isinstance(edge, list):
        raise Refused(400, {"error": "cursor is invalid"})
    return edge
