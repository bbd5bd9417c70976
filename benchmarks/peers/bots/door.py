"""What the FastAPI contestants share: GitLab's secret token is checked, the webhook read, the reply worded."""

from __future__ import annotations

import hmac
import json
import os
from collections.abc import Mapping
from typing import NamedTuple

SECRET = os.environ["PEER_SECRET"]
FORGE = os.environ["PEER_FORGE"]
HEADERS = {"PRIVATE-TOKEN": os.environ["PEER_TOKEN"]}
TIMEOUT_S = 20.0


class Comment(NamedTuple):
    """Which comment, on which issue of which project."""

    project: int
    issue: int
    note: int

    def reply(self) -> tuple[str, dict[str, str]]:
        """Path and body of the one write."""
        return f"/api/v4/projects/{self.project}/issues/{self.issue}/notes", {"body": f"reply:{self.note}"}


def read(headers: Mapping[str, str], body: bytes) -> Comment | None:
    """The comment that a webhook tells of; None when it is not GitLab's."""
    if not hmac.compare_digest(headers.get("x-gitlab-token", ""), SECRET):
        return None
    told = json.loads(body)
    return Comment(told["project"]["id"], told["issue"]["iid"], told["object_attributes"]["id"])
