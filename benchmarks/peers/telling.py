"""How a contestant is told of a comment: GitLab's webhook with its secret token, or GitHub's with its signature.

Both are about the same comment, of about the same size, and carry a key of their own that stays the same when it is
told again.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from typing import Any

from benchmarks.bare import TOKEN
from benchmarks.contestants import ROOT
from benchmarks.load import request_of
from benchmarks.peers.forge import WORDS, issue_of

Telling = Callable[[int], bytes]
"""A comment's number → the whole request that tells of it."""
_COMMENT, _ISSUE = 7_000_000_007, 7_000_000_009
"""Stand in the templates where the numbers of comment and issue belong."""


def gitlab(path: str) -> Telling:
    """As GitLab tells it."""
    told: dict[str, Any] = json.loads((ROOT / "benchmarks" / "delivery.json").read_bytes())
    told["object_attributes"] |= {"id": _COMMENT, "noteable_id": _ISSUE, "note": WORDS, "description": WORDS}
    told["issue"] |= {"id": _ISSUE, "iid": _ISSUE}
    fill = _template(told)

    def tell(comment: int) -> bytes:
        headers = {"X-Gitlab-Token": TOKEN, "X-Gitlab-Event": "Note Hook", "Idempotency-Key": f"peers-{comment}"}
        return request_of(path, fill(comment), headers)

    return tell


def github(path: str) -> Telling:
    """As GitHub tells it."""
    told: dict[str, Any] = json.loads((ROOT / "benchmarks" / "peers" / "issue_comment.json").read_bytes())
    told["comment"] |= {"id": _COMMENT, "body": WORDS}
    told["issue"] |= {"id": _ISSUE, "number": _ISSUE}
    fill = _template(told)

    def tell(comment: int) -> bytes:
        body = fill(comment)
        headers = {
            "X-GitHub-Event": "issue_comment",
            "X-GitHub-Delivery": f"peers-{comment}",
            "X-Hub-Signature-256": "sha256=" + hmac.digest(TOKEN.encode(), body, "sha256").hex(),
        }
        return request_of(path, body, headers)

    return tell


def _template(told: dict[str, Any]) -> Callable[[int], bytes]:
    raw = json.dumps(told, separators=(",", ":")).encode()
    comment_mark, issue_mark = str(_COMMENT).encode(), str(_ISSUE).encode()

    def fill(comment: int) -> bytes:
        return raw.replace(comment_mark, b"%d" % comment).replace(issue_mark, b"%d" % issue_of(comment))

    return fill
