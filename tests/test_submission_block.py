"""The submission that a person writes into an issue: found, read, and refused when it is too clever."""

from __future__ import annotations

import contextlib
import time

import pytest

from app.submission import SubmissionFaults, parse_block, submission_block

BLOCK = "```psplan-submission\ncustomer_name: Acme\n```"


@pytest.mark.parametrize(
    ("markdown", "found"),
    [
        (BLOCK, "customer_name: Acme\n"),
        (f"Hello\n\n{BLOCK}\n\nBye", "customer_name: Acme\n"),
        ("~~~~psplan-submission yaml\na: 1\n~~~~", "a: 1\n"),
        ("```psplan-submission\na: 1", "a: 1"),
        (f"```text\nx\n```\n{BLOCK}\n```psplan-submission\nb: 2\n```", "customer_name: Acme\n"),
        ("```yaml\na: 1\n```", None),
        ("```psplan-submissions\na: 1\n```", None),
        ("````text\n" + BLOCK + "\n````", None),
        ("> " + BLOCK.replace("\n", "\n> "), None),
        ("- " + BLOCK.replace("\n", "\n  "), None),
        ("<!--\n" + BLOCK + "\n-->", None),
        ("    " + BLOCK.replace("\n", "\n    "), None),
        ("psplan-submission", None),
        ("", None),
    ],
    ids=[
        *("alone", "between words", "tildes and a word more", "not closed", "the first of two"),
        *("another language", "a longer name", "quoted as code", "in a quotation", "in a list", "in a comment"),
        *("indented code", "only the name", "nothing"),
    ],
)
def test_the_block_is_the_first_at_the_top_level(markdown: str, found: str | None) -> None:
    assert submission_block(markdown) == found


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": [1, true, null, "x"]}', {"a": [1, True, None, "x"]}),
        ("a: 1\nb: [x, y]\nc:\n  d: e", {"a": 1, "b": ["x", "y"], "c": {"d": "e"}}),
        ("version: 17.10", {"version": "17.10"}),
        ("day: 2026-11-30", {"day": "2026-11-30"}),
        ("name: No", {"name": "No"}),
        ("tick: true\nnone: null\nempty:", {"tick": True, "none": None, "empty": None}),
        ('quoted: "5"\nalso: \'true\'', {"quoted": "5", "also": "true"}),
        ("zip: 00501\nhex: 0xff", {"zip": "00501", "hex": "0xff"}),
        ("text: |\n  one\n  two\n", {"text": "one\ntwo\n"}),
        ('{"a": 1,} # a trailing comma', {"a": 1}),
        ("1: one", {"1": "one"}),
        ("", None),
        ("just words", "just words"),
    ],
)  # fmt: skip
def test_json_and_yaml_are_read(text: str, value: object) -> None:
    assert parse_block(text) == value


BOMB = "a: &a [x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]\n" for n in range(20)
)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (BOMB, "anchors and aliases"),
        ("a: &x 1", "anchors and aliases"),
        ("a: *x", "anchors and aliases"),
        ("a: !!python/object/apply:os.system [ls]", "tags"),
        ("a: !!binary aGk=", "tags"),
        ("[" * 5_000, "levels deep"),
        ("{" * 5_000, "levels deep"),
        ("- " * 5_000, "levels deep"),
        ("a: " + "x" * 70_000, "64 KiB"),
        ("a: 1\na: 2", "twice (line 2"),
        ('{"a": 1, "a": 2}', "twice"),
        ("a: [1", "neither JSON nor YAML"),
        ("a: b: c", "line 1 of the block"),
        ("? [x]\n: y", "plain text"),
        ("a: 1\n---\nb: 2", "more than one"),
        ("a: \x00", "neither JSON nor YAML"),
        ("a: \ud800", "neither JSON nor YAML"),
    ],
    ids=[
        *("a bomb of aliases", "an anchor", "an alias", "a python tag", "a binary tag", "deep lists", "deep objects"),
        *(
            "deep dashes",
            "too large",
            "a name twice",
            "a name twice in JSON",
            "not closed",
            "two colons",
            "a list as name",
        ),
        *("two documents", "a control character", "half a surrogate"),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_reason(text: str, problem: str) -> None:
    with pytest.raises(SubmissionFaults) as caught:
        parse_block(text)
    [fault] = caught.value.faults
    assert fault.field == "submission"
    assert problem in fault.problem


@pytest.mark.parametrize(
    "text",
    ["[" * 60_000, "a: {" * 15_000, '{"a":' * 12_000, "'" + "\\" * 60_000, "- a\n" * 15_000, "a: " + "9" * 60_000],
)
def test_a_large_block_is_settled_in_a_moment(text: str) -> None:
    before = time.process_time()
    with contextlib.suppress(SubmissionFaults):
        parse_block(text)
    assert time.process_time() - before < 2
