"""The sandbox as python-gitlab sees it: the library the bot is built on must not notice the difference."""

from __future__ import annotations

from collections.abc import Iterator

import gitlab
import pytest
from gitlab.exceptions import GitlabCreateError, GitlabGetError, GitlabUploadError
from gitlab.v4.objects import Project

from app.sandbox import SandboxServer, World, token_of


@pytest.fixture
def project(server: SandboxServer) -> Iterator[Project]:
    client = gitlab.Gitlab(server.url, private_token=token_of("ps-bot"), timeout=5)
    client.session.trust_env = False
    with client:
        client.auth()
        yield client.projects.get("ps/ps-plan", lazy=True)


def test_an_issue_is_made_changed_closed_and_found(project: Project) -> None:
    issue = project.issues.create({"title": "x", "labels": ["a", "b"], "due_date": "2026-12-01"})
    changed = project.issues.update(issue.iid, {"add_labels": "c", "remove_labels": "a", "state_event": "close"})
    assert (changed["labels"], changed["state"]) == (["b", "c"], "closed")
    lazy = project.issues.get(issue.iid, lazy=True)
    lazy.title = "y"
    lazy.save()
    assert lazy.title == "y"
    found = list(project.issues.list(iterator=True, per_page=1, pagination="keyset", order_by="created_at"))
    assert [row.iid for row in found] == [issue.iid]


def test_a_comment_is_made_edited_answered_with_a_reaction_and_a_link(project: Project) -> None:
    issue, other = project.issues.create({"title": "x"}), project.issues.create({"title": "y"})
    note = issue.notes.create({"body": "hello"})
    issue.notes.update(note.id, {"body": "hello again"})
    note.awardemojis.create({"name": "eyes"})
    with pytest.raises(GitlabCreateError, match="already been taken"):
        note.awardemojis.create({"name": "eyes"})
    assert [row.body for row in issue.notes.list(get_all=True)] == ["hello again"]
    issue.links.create({"target_project_id": 2, "target_issue_iid": other.iid})
    with pytest.raises(GitlabCreateError, match="already assigned"):
        issue.links.create({"target_project_id": 2, "target_issue_iid": other.iid})
    assert [row.iid for row in other.links.list(get_all=True)] == [issue.iid]


def test_a_comment_of_commands_alone_has_no_id(project: Project) -> None:
    issue = project.issues.create({"title": "x"})
    assert "id" not in issue.notes.create({"body": "/close"}).attributes
    assert [event.state for event in issue.resourcestateevents.list(get_all=True)] == ["closed"]


def test_people_labels_and_uploads_are_there(project: Project, world: World) -> None:
    erin = world.user("erin")
    assert project.members_all.get(erin.id).access_level == 30
    with pytest.raises(GitlabGetError) as refused:
        project.members_all.get(999)
    assert refused.value.response_code == 404
    project.labels.create({"name": "proposal::SOW_WIP", "color": "#8E44AD"})
    assert [label.name for label in project.labels.list(iterator=True)] == ["proposal::SOW_WIP"]


def test_a_file_is_uploaded_to_a_project_known_by_its_number(project: Project) -> None:
    # The library encodes the path of a lazy project twice in this one call, and no GitLab has such a project.
    with pytest.raises(GitlabUploadError):
        project.upload("sow.txt", filedata=b"words")
    numbered = project.manager.gitlab.projects.get(2, lazy=True)
    assert numbered.upload("sow.txt", filedata=b"words")["markdown"].startswith("[sow.txt](/uploads/")


def test_hooks_and_boards_are_provisioned(server: SandboxServer) -> None:
    with gitlab.Gitlab(server.url, private_token=token_of("root"), timeout=5) as client:
        client.session.trust_env = False
        project = client.projects.get(2)
        hook = project.hooks.create({"url": "http://127.0.0.1:9", "push_events": False, "issues_events": True})
        hook.note_events = True
        hook.save()
        assert project.hooks.get(hook.id).note_events is True
        label = project.labels.create({"name": "a", "color": "#8E44AD"})
        board = project.boards.create({"name": "PS Plan"})
        board.lists.create({"label_id": label.id})
        assert [column.label["name"] for column in board.lists.list(get_all=True)] == ["a"]
        assert client.version() == ("18.9.0-pre", "Unknown")
