"""The house rules that a machine can hold: which room may know which."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
IO = {
    "app.adapters",
    "app.clock",
    "app.engine",
    "app.ingress",
    "app.perform",
    "app.store",
    "gitlab",
    "httpx",
    "requests",
    "smtplib",
    "sqlalchemy",
    "sqlite3",
    "time",
}
VENDORS = {"app.adapters", "gitlab", "httpx", "requests", "smtplib"}
FORBIDDEN = {
    "handlers": IO,
    "app/decide.py": IO,
    "app/text.py": IO,
    "app/commands": IO,
    "app/command_table.py": IO,
    "app/gitlab_markdown.py": IO,
    "app/hearing.py": IO,
    "app/registry.py": IO,
    "app/snapshot.py": IO,
    "app/issue_text.py": IO,
    "app/blocks": IO,
    "app/revision.py": IO,
    "app/actions.py": IO,
    "app/events.py": IO,
    "app/machine": IO,
    "app/methodology": IO,
    "app/status_note.py": IO,
    "app/status_view.py": IO,
    "app/status_words.py": IO,
    "app/notices.py": IO,
    "app/signed_record.py": IO,
    "app/boxes.py": IO,
    "app/clock_words.py": IO,
    "app/digest_words.py": IO,
    "app/verify.py": IO,
    "app/store": {"app.adapters", "app.engine", "app.ingress", "handlers"},
    "app/adapters": {"app.engine", "app.ingress", "app.store", "handlers"},
    "app/ingress": {"app.adapters", "app.engine", "app.perform", "handlers"},
    "app/engine": {"app.adapters", "app.ingress", "app.sweep", "handlers"},
    "app/parked.py": IO,
    "app/invitation.py": IO,
    "app/vtimezone.py": IO,
    "app/letter.py": IO,
    "app/mail_server.py": IO,
    "app/meeting_words.py": IO,
    "app/agendas.py": IO,
    "app/pipeline.py": IO,
    "app/reports": IO,
    "app/pages": {"app.adapters", "app.engine", "app.ingress", "app.perform", "app.sweep", "handlers"},
    "app/sweep": {"app.adapters", "app.ingress", "app.routines", "handlers"},
    "app/setup": VENDORS | {"app.doctor", "app.engine", "app.ingress", "app.store", "handlers"},
    "app/setup/desired.py": IO,
    "app/setup/changes.py": IO,
    "app/setup/meaning.py": IO,
    "app/setup/label_difference.py": IO,
    "app/setup/board_difference.py": IO,
    "app/setup/hook_difference.py": IO,
    "app/setup/form_difference.py": IO,
    "app/doctor": VENDORS | {"app.engine", "app.ingress", "app.perform", "handlers"},
    "app/project.py": IO,
    "app/correlation.py": IO,
    "app/metrics.py": IO,
    "app/tracing.py": VENDORS - {"requests"} | {"app.engine", "app.ingress", "app.perform", "app.store", "handlers"},
    "app/readiness.py": VENDORS | {"app.engine", "app.ingress", "app.perform", "handlers"},
    "app/operations.py": {"app.adapters", "app.ingress", "app.routines", "handlers"},
}


def imports_of(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{name.name}" for name in node.names)}
    return found


@pytest.mark.parametrize("room", FORBIDDEN)
def test_a_room_knows_only_what_it_may(room: str) -> None:
    place = ROOT / room
    files = sorted(place.rglob("*.py")) if place.is_dir() else [place]
    assert files
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in files
        for name in imports_of(path)
        if any(name == bad or name.startswith(bad + ".") for bad in FORBIDDEN[room])
    ]
    assert wrong == []


def test_everything_is_caught_in_one_place_only() -> None:
    places = [p for p in (ROOT / "app").rglob("*.py") if "except Exception" in p.read_text()]
    assert [str(p.relative_to(ROOT)) for p in places] == ["app/errors.py"]


def test_nothing_that_ships_depends_on_tests_or_benchmarks() -> None:
    for folder in ("app", "handlers"):
        for path in (ROOT / folder).rglob("*.py"):
            assert not any(name.split(".")[0] in {"tests", "benchmarks"} for name in imports_of(path)), path
