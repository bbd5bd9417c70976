"""The one comment that tells what a revision changed."""

from __future__ import annotations

from app.revision import revision_note
from app.submission import Change
from app.text import Safe, find_markers, marker
from tests.properties.gfm_model import read

SIGN = marker("revision", "abc-1")


def test_it_says_what_was_and_what_is() -> None:
    changes = (
        Change("users_current", "800", "900"),
        Change("segment", None, "SMB"),
        Change("goals", None, "x" * 500),
        Change("notes", "a\nb", "c"),
        Change("odd", "1", None),
    )
    assert revision_note(changes, (), SIGN) == Safe(
        "<!-- psplan:revision:abc-1 -->\n"
        "\n"
        "The request was sent again with changes. I have brought the issues up to date:\n"
        "\n"
        "- `users_current`: `800` → `900`\n"
        "- `segment`: now `SMB`\n"
        "- `goals`: added\n"
        "- `notes`: changed\n"
        "- `odd`: taken out"
    )


def test_it_names_what_was_left_as_people_wrote_it() -> None:
    note = revision_note((Change("a", "1", "2"),), ("summary", "ssot/users_current", "ssot/users_current"), SIGN)
    assert "I did not change what people wrote." in note
    assert note.endswith("- the part *At a glance*\n- the answer to `users_current` in the question table")


def test_it_begins_with_its_marker() -> None:
    assert [found.kind for found in find_markers(revision_note((), (), SIGN))] == ["revision"]


def test_nothing_changed_is_said_too() -> None:
    assert "Nothing in it changed" in revision_note((Change("submission_id", "a", "b"),), (), SIGN)


def test_very_many_changes_are_counted() -> None:
    note = revision_note([Change(f"f{number}", None, "x") for number in range(1_000)], (), SIGN)
    assert note.count("\n- ") == 41
    assert note.endswith("- and 960 more fields")


def test_foreign_words_in_it_do_nothing() -> None:
    evil = "@all #1 `x` | <b> /close"
    note = revision_note((Change(evil, evil, f"{evil}!"), Change("b", None, evil)), (f"ssot/{evil}", evil), SIGN)
    reading = read(note)
    assert reading.live == ()
    assert [html for html in reading.html if not html.startswith("<!-- psplan")] == []
