"""REST: the project itself, its labels, uploads and boards."""

from __future__ import annotations

from app.sandbox.labels import DEFAULT_COLOR
from app.sandbox.paging import paged
from app.sandbox.project_shapes import board_json, board_list_json, label_json, project_json, upload_json
from app.sandbox.records import AccessLevel, Label, User
from app.sandbox.refusals import missing
from app.sandbox.routing import Answer, Call, Routes, check_project

routes = Routes()
PROJECT = "/projects/{project}"


def _member(call: Call) -> User:
    check_project(call.parts["project"])
    return call.world.demand(call.user, AccessLevel.GUEST)


@routes.on("GET", PROJECT)
def read_project(call: Call) -> Answer:
    """The project, by id or by encoded path."""
    _member(call)
    return Answer(200, project_json(call.world, call.user))


@routes.on("GET", PROJECT + "/labels")
def list_labels(call: Call) -> Answer:
    """The labels of the project by title."""
    _member(call)
    search = (call.text("search") or "").lower()
    with_groups = "include_ancestor_groups" not in call.params or call.flag("include_ancestor_groups")
    found = [
        label
        for label in call.world.labels.values()
        if search in label.title.lower() and (with_groups or not label.is_group)
    ]
    found.sort(key=lambda label: label.title)
    with_counts = call.flag("with_counts")

    def show(label: Label) -> dict[str, object]:
        return label_json(label) | (_counts(call, label) if with_counts else {})

    return paged(call, found, show)


def _counts(call: Call, label: Label) -> dict[str, object]:
    bearers = [issue for issue in call.world.issues.values() if label.id in issue.label_ids]
    still_open = sum(issue.is_open for issue in bearers)
    return {
        "open_issues_count": still_open,
        "closed_issues_count": len(bearers) - still_open,
        "open_merge_requests_count": 0,
    }


@routes.on("POST", PROJECT + "/labels")
def create_label(call: Call) -> Answer:
    """Make a label."""
    _member(call)
    name, color = str(call.required("name")), call.text("color") or DEFAULT_COLOR
    label = call.world.create_label(call.user, name, color=color, description=call.text("description"))
    return Answer(201, label_json(label))


@routes.on("GET", PROJECT + "/labels/{label}")
def read_label(call: Call) -> Answer:
    """One label by id or title."""
    _member(call)
    return Answer(200, label_json(call.world.label(call.parts["label"])))


@routes.on("PUT", PROJECT + "/labels/{label}")
def edit_label(call: Call) -> Answer:
    """Change a label; `new_name` renames it."""
    return _edit_label(call, call.parts["label"])


@routes.on("PUT", PROJECT + "/labels")
def edit_named_label(call: Call) -> Answer:
    """The older form, with the label in the body."""
    return _edit_label(call, str(call.params.get("name") or call.required("label_id")))


def _edit_label(call: Call, key: str) -> Answer:
    _member(call)
    if not {"new_name", "color", "description"} & set(call.params):
        raise missing("new_name, color, description")
    label = call.world.edit_label(
        call.user,
        key,
        title=call.text("new_name"),
        color=call.text("color"),
        description=call.text("description"),
    )
    return Answer(200, label_json(label))


@routes.on("DELETE", PROJECT + "/labels/{label}")
def delete_label(call: Call) -> Answer:
    """Delete a label."""
    _member(call)
    call.world.delete_label(call.user, call.parts["label"])
    return Answer(204)


@routes.on("POST", PROJECT + "/uploads")
def upload(call: Call) -> Answer:
    """Keep a file of a multipart form."""
    _member(call)
    if "file" not in call.files:
        raise missing("file")
    sent = call.files["file"]
    return Answer(201, upload_json(call.world.upload(call.user, sent.filename, sent.content)))


@routes.on("GET", PROJECT + "/uploads/{secret}/{filename}")
def download(call: Call) -> Answer:
    """The bytes of an uploaded file."""
    _member(call)
    kept = call.world.uploaded(call.parts["secret"], call.parts["filename"])
    return Answer(200, kept.content, content_type="application/octet-stream")


@routes.on("GET", PROJECT + "/boards")
def list_boards(call: Call) -> Answer:
    """The boards of the project."""
    _member(call)
    return paged(call, list(call.world.boards.values()), lambda board: board_json(call.world, board))


@routes.on("POST", PROJECT + "/boards")
def create_board(call: Call) -> Answer:
    """Make a board."""
    _member(call)
    board = call.world.create_board(call.user, str(call.required("name")))
    return Answer(201, board_json(call.world, board))


@routes.on("GET", PROJECT + "/boards/{board}")
def read_board(call: Call) -> Answer:
    """One board with its columns."""
    _member(call)
    return Answer(200, board_json(call.world, call.world.board(call.number("board"))))


@routes.on("GET", PROJECT + "/boards/{board}/lists")
def list_board_lists(call: Call) -> Answer:
    """The columns of a board."""
    _member(call)
    columns = call.world.board(call.number("board")).lists
    return paged(call, columns, lambda column: board_list_json(call.world, column))


@routes.on("POST", PROJECT + "/boards/{board}/lists")
def create_board_list(call: Call) -> Answer:
    """Add a column for a label."""
    _member(call)
    call.required("label_id")
    column = call.world.add_board_list(call.user, call.number("board"), label_id=call.integer("label_id", default=0))
    return Answer(201, board_list_json(call.world, column))


@routes.on("PUT", PROJECT + "/boards/{board}/lists/{list}")
def move_board_list(call: Call) -> Answer:
    """Put a column at another place."""
    _member(call)
    call.required("position")
    position = call.integer("position", default=0)
    column = call.world.move_board_list(call.user, call.number("board"), call.number("list"), position=position)
    return Answer(200, board_list_json(call.world, column))
