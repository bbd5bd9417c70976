"""REST: files of the repository."""

from __future__ import annotations

import base64
import binascii
import hashlib

from app.sandbox.hook_shapes import Json
from app.sandbox.records import File
from app.sandbox.refusals import Refused
from app.sandbox.routing import Answer, Call, Routes, check_project

routes = Routes()
FILE = "/projects/{project}/repository/files/{path}"


@routes.on("GET", FILE)
def read_file(call: Call) -> Answer:
    """A file with its content."""
    check_project(call.parts["project"])
    ref = str(call.required("ref"))
    return Answer(200, file_json(call.world.file(call.user, call.parts["path"], ref=ref), ref=ref))


@routes.on("POST", FILE)
def create_file(call: Call) -> Answer:
    """Commit a new file."""
    branch, content = _commit_of(call)
    made = call.world.create_file(call.user, call.parts["path"], content, branch=branch)
    return Answer(201, {"file_path": made.path, "branch": branch})


@routes.on("PUT", FILE)
def edit_file(call: Call) -> Answer:
    """Commit another content of a file."""
    branch, content = _commit_of(call)
    known = call.text("last_commit_id")
    made = call.world.edit_file(call.user, call.parts["path"], content, branch=branch, last_commit_id=known)
    return Answer(200, {"file_path": made.path, "branch": branch})


def _commit_of(call: Call) -> tuple[str, bytes]:
    check_project(call.parts["project"])
    branch, content = str(call.required("branch")), str(call.required("content"))
    call.required("commit_message")
    if call.choice("encoding", ("text", "base64"), default="text") == "text":
        return branch, content.encode()
    try:
        return branch, base64.b64decode(content, validate=True)
    except binascii.Error:
        raise Refused(400, {"message": "Invalid base64"}) from None


def file_json(file: File, *, ref: str) -> Json:
    """A file as GitLab shows it."""
    return {
        "file_name": file.path.rpartition("/")[2],
        "file_path": file.path,
        "size": len(file.content),
        "encoding": "base64",
        "content_sha256": hashlib.sha256(file.content).hexdigest(),
        "ref": ref,
        "blob_id": hashlib.sha1(file.content, usedforsecurity=False).hexdigest(),
        "commit_id": file.commit_id,
        "last_commit_id": file.commit_id,
        "execute_filemode": False,
        "content": base64.b64encode(file.content).decode(),
    }
