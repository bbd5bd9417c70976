"""The names that GitLab takes for quick actions (18.9), aliases included: a line that begins with one never arrives.

GitLab cuts such a line out of a comment before anybody is told of it, even where it is not permitted or makes no sense.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_NAMES: Final = """
    add_child add_contacts add_email approve assign assign_reviewer blocked_by blocks board_move
    checkin_reminder clear_health_status clear_weight clone close confidential convert_to_ticket copy_metadata
    create_merge_request done draft due duplicate estimate health_status iteration label link lock merge
    milestone move page promote promote_to promote_to_incident publish react ready reassign reassign_reviewer
    rebase relabel relate remove_child remove_contacts remove_due_date remove_email remove_estimate
    remove_iteration remove_milestone remove_parent remove_time_spent remove_zoom reopen request_changes
    request_review run_pipeline set_parent severity shrug spend status submit_review subscribe tableflip tag
    target_branch timeline title todo type unapprove unassign unassign_reviewer unlabel unlink unlock
    unsubscribe weight zoom
"""

_ALIASES: Final = {
    "award": "react",
    "epic": "set_parent",
    "estimate_time": "estimate",
    "labels": "label",
    "remove_label": "unlabel",
    "remove_reviewer": "unassign_reviewer",
    "remove_time_estimate": "remove_estimate",
    "reviewer": "assign_reviewer",
    "spend_time": "spend",
    "spent": "spend",
}

CANONICAL: Final[Mapping[str, str]] = MappingProxyType({name: name for name in _NAMES.split()} | _ALIASES)
"""Every name GitLab knows to the one that it is an alias of, or itself."""

KNOWN_NAMES: Final[frozenset[str]] = frozenset(CANONICAL)
