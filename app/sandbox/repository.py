"""The repository of the sandbox project: files on its one branch, each write a commit."""

from __future__ import annotations

import hashlib

from app.sandbox.records import AccessLevel, File, User
from app.sandbox.refusals import Refused, forbidden, not_found
from app.sandbox.surroundings import Surroundings


class Repository(Surroundings):
    """Files may be read by Planner and up. The default branch is protected: only Maintainer and up may write to it.

    A project without a repository (`has_repository` off) refuses both.
    """

    def file(self, who: User | str, path: str, *, ref: str) -> File:
        """A file of the branch; 404 without it, and 404 for a branch without a commit."""
        with self.lock:
            self._demand_repository(who, AccessLevel.PLANNER)
            if ref != self.default_branch or not self.files:
                raise not_found("Commit Not Found")
            if path not in self.files:
                raise not_found("File Not Found")
            return self.files[path]

    def create_file(self, who: User | str, path: str, content: bytes, *, branch: str) -> File:
        """Commit a new file; the first one makes the branch."""
        with self.lock:
            self._may_commit(who, branch)
            if path in self.files:
                raise _refused("A file with this name already exists")
            return self._commit(path, content)

    def edit_file(
        self, who: User | str, path: str, content: bytes, *, branch: str, last_commit_id: str | None = None
    ) -> File:
        """Commit another content; `last_commit_id` refuses what was changed since."""
        with self.lock:
            self._may_commit(who, branch)
            if path not in self.files:
                raise _refused("A file with this name doesn't exist")
            if last_commit_id is not None and last_commit_id != self.files[path].commit_id:
                raise _refused("You are attempting to update a file that has changed since you started editing it.")
            return self._commit(path, content)

    def _demand_repository(self, who: User | str, level: AccessLevel) -> None:
        self.demand(who, level)
        if not self.has_repository:
            raise forbidden()

    def _may_commit(self, who: User | str, branch: str) -> None:
        self._demand_repository(who, AccessLevel.DEVELOPER)
        if self.level(who) < AccessLevel.MAINTAINER:
            raise _refused("You are not allowed to push into this branch")
        if branch != self.default_branch:
            raise _refused("You can only create or edit files when you are on a branch")

    def _commit(self, path: str, content: bytes) -> File:
        seed = f"{self.next_id('commit')}:{path}".encode()
        made = self.files[path] = File(path, content, hashlib.sha1(seed, usedforsecurity=False).hexdigest())
        return made


def _refused(message: str) -> Refused:
    return Refused(400, {"message": message})
