"""The JSON of the project and of what belongs to it: labels, boards, uploads.

The many settings of a project that nobody here uses are printed with the values of a fresh community project.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from app.sandbox.clockwork import iso, words
from app.sandbox.records import AccessLevel, Board, BoardList, Label, Upload, User
from app.sandbox.state import NAMESPACE_ID, PROJECT_ID, PROJECT_PATH, WorldState

Json = dict[str, Any]

_LIGHT_FROM = 0x80
_ENABLED = words("""
    issues repository merge_requests forking wiki builds snippets analytics releases environments
    feature_flags infrastructure monitor model_experiments model_registry package_registry
""")
_ON = words("""
    packages_enabled issues_enabled merge_requests_enabled wiki_enabled jobs_enabled
    snippets_enabled can_create_merge_request_in emails_enabled show_diff_preview_in_email
    shared_runners_enabled ci_forward_deployment_enabled ci_forward_deployment_rollback_allowed
    ci_separated_caches ci_allow_fork_pipelines_to_run_in_parent_project keep_latest_artifact
    group_runners_enabled auto_devops_enabled public_jobs request_access_enabled
    remove_source_branch_after_merge printing_merge_request_link_enabled enforce_auth_checks_on_uploads
    warn_about_potentially_unwanted_characters autoclose_referenced_issues
""")
_OFF = words("""
    resolve_outdated_diff_discussions container_registry_enabled service_desk_enabled emails_disabled
    lfs_enabled ci_job_token_scope_enabled restrict_user_defined_variables
    ci_push_repository_for_job_token_allowed only_allow_merge_if_pipeline_succeeds
    only_allow_merge_if_all_discussions_are_resolved
""")
_EMPTY = words("""
    marked_for_deletion_at marked_for_deletion_on service_desk_address import_url import_type import_error
    ci_delete_pipelines_in_seconds runner_token_expiration_interval ci_config_path
    allow_merge_on_skipped_pipeline merge_request_title_regex merge_request_title_regex_description
    suggestion_commit_message merge_commit_template squash_commit_template issue_branch_template
    max_artifacts_size readme_url avatar_url
""")
_OTHER: Json = {
    "forks_count": 0,
    "repository_object_format": "sha1",
    "container_registry_access_level": "disabled",
    "pages_access_level": "private",
    "security_and_compliance_access_level": "private",
    "creator_id": 1,
    "import_status": "none",
    "description_html": "",
    "ci_default_git_depth": 20,
    "ci_id_token_sub_claim_components": ["project_path", "ref_type", "ref"],
    "build_git_strategy": "fetch",
    "ci_pipeline_variables_minimum_override_role": "developer",
    "resource_group_default_process_mode": "unordered",
    "auto_cancel_pending_pipelines": "enabled",
    "build_timeout": 3600,
    "auto_devops_deploy_strategy": "continuous",
    "shared_with_groups": [],
    "merge_method": "merge",
    "squash_option": "default_off",
}
_LINKS = {
    "issues": "issues",
    "merge_requests": "merge_requests",
    "repo_branches": "repository/branches",
    "labels": "labels",
    "events": "events",
    "members": "members",
    "cluster_agents": "cluster_agents",
}


def short_project_json(world: WorldState) -> Json:
    """The project as boards show it."""
    web_url = world.project_url()
    return {
        "id": PROJECT_ID,
        "description": None,
        "name": "ps-plan",
        "name_with_namespace": "PS / ps-plan",
        "path": "ps-plan",
        "path_with_namespace": PROJECT_PATH,
        "created_at": iso(world.created_at),
        "tag_list": [],
        "topics": [],
        "ssh_url_to_repo": f"git@gitlab.sandbox:{PROJECT_PATH}.git",
        "http_url_to_repo": f"{web_url}.git",
        "web_url": web_url,
        "avatar_url": None,
        "star_count": 0,
        "last_activity_at": iso(world.created_at),
        "visibility": "private",
        "namespace": {
            "id": NAMESPACE_ID,
            "name": "PS",
            "path": "ps",
            "kind": "group",
            "full_path": "ps",
            "parent_id": None,
            "avatar_url": None,
            "web_url": f"{world.base_url}/groups/ps",
        },
    }


def project_json(world: WorldState, user: User) -> Json:
    """The project in full; the runners' token is for Maintainers only."""
    api = f"{world.base_url}/api/v4/projects/{PROJECT_ID}"
    body = short_project_json(world)
    body |= dict.fromkeys(_ON, True) | dict.fromkeys(_OFF, False) | dict.fromkeys(_EMPTY) | _OTHER
    body |= {f"{name}_access_level": "enabled" for name in _ENABLED}
    body |= {
        "_links": {"self": api} | {name: f"{api}/{path}" for name, path in _LINKS.items()},
        "container_expiration_policy": {
            "cadence": "1d",
            "enabled": False,
            "keep_n": 10,
            "older_than": "90d",
            "name_regex": ".*",
            "name_regex_keep": None,
            "next_run_at": iso(world.created_at + timedelta(days=1)),
        },
        "default_branch": world.default_branch if world.has_repository else None,
        "empty_repo": not world.files,
        "archived": world.is_archived,
        "issues_access_level": "enabled" if world.has_issues else "disabled",
        "repository_access_level": "enabled" if world.has_repository else "disabled",
        "open_issues_count": sum(issue.is_open for issue in world.issues.values()),
        "updated_at": iso(world.created_at),
        "permissions": {
            "project_access": None,
            "group_access": {"access_level": int(world.level(user)), "notification_level": 3},
        },
    }
    if world.level(user) >= AccessLevel.MAINTAINER:
        body["runners_token"] = "sandbox"
    return body


def upload_json(kept: Upload) -> Json:
    """The answer to an upload; `markdown` is what goes into a text."""
    url = f"/uploads/{kept.secret}/{kept.filename}"
    mark = "!" if kept.filename.lower().endswith((".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp")) else ""
    return {
        "id": kept.id,
        "alt": kept.filename,
        "url": url,
        "full_path": f"/-/project/{PROJECT_ID}{url}",
        "markdown": f"{mark}[{kept.filename}]({url})",
    }


def event_label_json(label: Label) -> Json:
    """A label inside resource label events and board lists."""
    return {
        "id": label.id,
        "name": label.title,
        "description": label.description,
        "description_html": label.description or "",
        "text_color": _text_color(label.color),
        "color": label.color,
    }


def label_json(label: Label) -> Json:
    """A label of the project."""
    return event_label_json(label) | {"subscribed": False, "priority": None, "is_project_label": not label.is_group}


def _text_color(color: str) -> str:
    """Black on light colours, white on the others."""
    channels = [int(color[start : start + 2], 16) for start in (1, 3, 5)] if len(color) == 7 else [0]
    return "#1F1E24" if min(channels) > _LIGHT_FROM else "#FFFFFF"


def board_list_json(world: WorldState, column: BoardList) -> Json:
    """One column of a board."""
    return {"id": column.id, "label": event_label_json(world.labels[column.label_id]), "position": column.position}


def board_json(world: WorldState, board: Board) -> Json:
    """A board with its columns."""
    return {
        "id": board.id,
        "name": board.name,
        "hide_backlog_list": False,
        "hide_closed_list": False,
        "project": short_project_json(world),
        "lists": [board_list_json(world, column) for column in board.lists],
    }
