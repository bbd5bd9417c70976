"""Whatever a stranger puts into any field: nothing of it acts in the issues, and they stay of a bearable size."""

from __future__ import annotations

import random
from typing import Any

import pytest

from app.issue_text import IssueDraft
from app.sandbox.quick_actions import extract
from app.submission import Submission, SubmissionFaults, parse_submission
from app.submission.choices import Service
from app.text import Marker, find_markers, sections
from tests.drafts import TODAY, intake, raw, scoping, text_of
from tests.properties.gfm_model import live_in_title, read
from tests.properties.strategies import FRAGMENTS, nasty

GITLAB_LIMIT_BYTES = 1_048_576
MENTIONED = ("mention: '@a", "mention: '@e")
HTML_OF_OURS = "<!-- psplan"


def hostile(word: str) -> dict[str, Any]:
    """A submission with the same words in every place that takes words."""
    line = " ".join(word.split()) or "x"
    return raw(
        customer_name=line[:200],
        services=[service.value for service in Service],
        commercial_form="custom",
        sales_territory=line[:200],
        customer_folder_url=f"https://drive.google.com/{line.replace(' ', '')[:200]}",
        sfdc_opportunity_url=f"https://a.my.salesforce.com/006Aa00000AbCdE?x={line.replace(' ', '')[:200]}",
        account_team=[{"role": line[:200], "username": "bob"}],
        sku_items=[{"sku": line[:200], "qty": 1}],
        implementation={"operating_system": word, word: word},
        migration={"sources": ["svn", "ado"], "ci_system": word, word: word},
        cicd={"jenkins_plugins": [word, word]},
        readiness={"known_problems": {word: word}},
        transformation={"silos": word},
        training=[{"course": line[:200], "preferred_dates": [line[:200]]}],
        pain_points=word,
        constraints=word,
        goals=word,
        notes=word,
        integrations=word,
        **{f"x{word}": {word: [word, {word: word}]}},
    )


def accepted(given: dict[str, Any]) -> Submission:
    """The submission without the fields that are refused: what cannot come in need not be made harmless."""
    while True:
        try:
            return parse_submission(given, today=TODAY)
        except SubmissionFaults as faults:
            refused = {fault.field.split(".")[0] for fault in faults.faults}
            known = set(given) & refused
            strange = {name for name in given if name.startswith("x")} if refused - set(given) else set()
            given = {name: value for name, value in given.items() if name not in known | strange} | {
                name: value for name, value in raw().items() if name in known
            }


def drafts_of(given: Submission) -> list[tuple[str, IssueDraft]]:
    return [
        ("scoping", scoping(given)),
        ("intake", intake(given)),
        ("intake", intake(given, beside_scoping=False)),
    ]


def assert_harmless(kind: str, draft: IssueDraft, given: Submission) -> None:
    text = text_of(draft).replace("issue: #12", "issue: 12")
    reading = read(text)
    assert [act for act in reading.live if not act.startswith(MENTIONED)] == []
    assert len(reading.live) == (0 if "issue: #12" in text_of(draft) else 2)
    assert [html for html in reading.html if not html.startswith(HTML_OF_OURS)] == []
    assert all(link.startswith(("https://drive.google.com/", "https://a.my.salesforce.com/")) for link in reading.links)
    stored = extract(text)
    assert stored.commands == ()
    assert stored.text == text.rstrip()
    assert find_markers(text) == [Marker(kind, str(given.submission_id))]
    assert all(part.is_untouched for part in sections(stored.text).values())
    assert len(text.encode()) < GITLAB_LIMIT_BYTES / 2
    assert live_in_title(draft.title) == []
    assert len(draft.title) <= 255


@pytest.mark.parametrize("word", FRAGMENTS, ids=lambda word: ascii(word)[:40])
def test_no_fragment_acts_in_any_field(word: str) -> None:
    given = accepted(hostile(word))
    assert_harmless("scoping", scoping(given), given)


@pytest.mark.parametrize("seed", range(25))
def test_no_mixture_acts_in_any_issue(seed: int) -> None:
    rng = random.Random(seed)
    given = accepted({**hostile(nasty(rng)), "notes": nasty(rng), "goals": nasty(rng)})
    for kind, draft in drafts_of(given):
        assert_harmless(kind, draft, given)


@pytest.mark.parametrize("filler", ["x", "`", "|", "<", "\n", "@", "🏳", "\\", "` "], ids=ascii)
def test_the_largest_submission_makes_issues_far_below_the_limit(filler: str) -> None:
    word = (filler * 10_000)[:10_000]
    given = accepted(
        {
            **hostile(word),
            **{f"field_{number}": word[:900] for number in range(900)},
            "cicd": {f"k{number}": word[:4_000] for number in range(100)},
        }
    )
    for _, draft in drafts_of(given):
        assert len(text_of(draft).encode()) < GITLAB_LIMIT_BYTES / 2


def test_very_many_unknown_fields_are_counted_not_listed() -> None:
    given = accepted(raw(**{f"field_{number}": number for number in range(5_000)}))
    text = text_of(scoping(given))
    assert text.count("| `field_") == 60
    assert "and 4,940 more, not shown." in text
