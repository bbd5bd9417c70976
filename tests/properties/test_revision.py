"""Whatever people write into an issue and however the submission changes: no word of theirs is lost, and it settles."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from app.answer_table import readable
from app.revision import append_own_part, read_answers, revise
from app.sandbox.quick_actions import extract
from app.submission.choices import MigrationSource, Service
from app.text import find_markers, sections
from tests.drafts import intake, scoping, submitted, text_of

from .strategies import FRAGMENTS, nasty

WORDS = ("Jira", "900 of them", "**yes**", "see `this`", "no!", "1,000", "[x](https://e.example)", "äöü 日本", "a / b")


def sent(rng: random.Random) -> str:
    """Nasty words as JSON can carry them: half a surrogate pair is refused at the door."""
    return nasty(rng).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def some_submission(rng: random.Random) -> dict[str, Any]:
    """Fields that change what is asked and what is answered."""
    services = rng.sample([service.value for service in Service], k=rng.randint(0, 4))
    sources = rng.sample([source.value for source in MigrationSource], k=rng.randint(0, 2))
    given: dict[str, Any] = {"services": services, "migration": {"sources": sources, "users": rng.randint(0, 9)}}
    for field in ("users_current", "users_planned"):
        if rng.random() < 0.7:
            given[field] = rng.randint(0, 3)
    for field in ("goals", "notes", "pain_points"):
        if rng.random() < 0.4:
            given[field] = sent(rng)[:50]
    return given


def answer_some(text: str, rng: random.Random, *, section: str) -> tuple[str, dict[str, str]]:
    """A person answers some open questions; returns the text and what they wrote, by key."""
    body, written = sections(text)[section].body, {}
    for line in body.split("\n"):
        cells = line.split(" | ")
        if len(cells) == 5 and readable(cells[1]) == "to-do" and rng.random() < 0.2:
            cells[1] = rng.choice(WORDS)
            text = text.replace(line, " | ".join(cells), 1)
            written[readable(cells[4].rstrip(" |"))] = readable(cells[1])
    return text, written


DRAFTS: dict[str, Callable[[dict[str, Any]], str]] = {
    "ssot": lambda given: text_of(scoping(submitted(**given))),
    "intake_fields": lambda given: text_of(intake(submitted(**given))),
}


@pytest.mark.parametrize("seed", range(16))
@pytest.mark.parametrize("section", DRAFTS)
def test_answers_and_words_survive_any_sequence_of_revisions(section: str, seed: int) -> None:
    rng = random.Random(seed)
    write = DRAFTS[section]
    mine: dict[str, str] = {}
    outside: list[str] = []
    text = write(some_submission(rng))
    for number in range(3):
        if rng.random() < 0.8:
            text, written = answer_some(text, rng, section=section)
            mine |= written
        if rng.random() < 0.5:
            outside.append(f"My own words, number {number}.")
            text = rng.choice((f"{text}\n\n{outside[-1]}", f"{outside[-1]}\n\n{text}"))
        if rng.random() < 0.3:
            line = next(line for line in text.split("\n") if line.startswith("| ") and "`" in line)
            outside.append(f"| Mine {number} | x | y | z | mine_{number} |")
            text = text.replace(line, f"{line}\n{outside[-1]}", 1)
        new = write(some_submission(rng))
        once = revise(text, new=new)
        assert revise(once.description, new=new) == once
        text = once.description
        answers = read_answers(text)
        assert {key: answers.get(key) for key in mine} == mine
        assert all(words in text for words in outside)
        fresh = read_answers(new)
        assert {key: answers[key] for key in fresh if key not in mine} == {
            key: words for key, words in fresh.items() if key not in mine
        }
        assert find_markers(text) == find_markers(new)
        assert list(sections(text)) == list(sections(new))


@pytest.mark.parametrize("seed", range(5))
def test_people_may_write_anything_outside_and_it_stays_as_it_is(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(6):
        words = nasty(rng).replace("\r", "")
        given = some_submission(rng)
        text = f"{text_of(scoping(submitted(**given)))}\n\n{words}"
        before = sections(text)
        found = revise(text, new=text_of(scoping(submitted(**some_submission(rng))))).description
        assert found.endswith(f"\n\n{words}")
        if "psplan:" not in words:
            assert list(sections(found)) == list(before)


@pytest.mark.parametrize("seed", range(8))
def test_our_part_is_live_behind_anything_a_person_wrote(seed: int) -> None:
    rng = random.Random(seed)
    own = scoping(submitted(notes=sent(rng))).description[0]
    assert isinstance(own, str)
    for _ in range(12):
        text = "".join(rng.choices(FRAGMENTS, k=rng.randint(1, 6)))
        whole = append_own_part(text, own)
        assert find_markers(own)[0] in find_markers(whole)
        assert own.strip() in whole
        assert text.replace("\r", "").rstrip() in whole
        if "psplan:" not in text:
            assert list(sections(whole)) == list(sections(own))
            stored = extract(whole)
            assert own.strip() in stored.text
