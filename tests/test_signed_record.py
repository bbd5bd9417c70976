"""The record in the status note: it comes back as it was written, and nothing that a person makes of it is believed."""

from __future__ import annotations

import base64
import json
import random
import zlib
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.keys import RecordKeys
from app.signed_record import MAX_BYTES, MOST_CHARS, find_sealed, seal, seal_what_fits, unseal
from app.text import find_markers, marker

OLD, NEW, FOREIGN = b"o" * 32, b"n" * 32, b"f" * 32
KEYS = RecordKeys([NEW, OLD])
ACME = "6f2c1c9e-58a5-4a6e-9c58-0d9a9d2f7c11"
RECORD: dict[str, Any] = {
    "places": {"proposal": {"state": "sow_wip", "since": 1763800000.5, "left": None, "pulled": False}},
    "approvals": {"ta": {"verdict": "passed", "by": "tara", "at": 1763800000.0, "version": 2}},
    "started": [],
}
LINE = seal(RECORD, KEYS, engagement=ACME, on="scoping")


def read(text: str, keys: RecordKeys = KEYS, *, engagement: str | None = ACME, on: str = "scoping") -> Any:
    return unseal(text, keys, engagement=engagement, on=on)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(record=st.dictionaries(st.text(), json_values, max_size=6), engagement=st.text(min_size=1))
def test_it_comes_back_as_it_was_written_on_one_line_that_nothing_can_end_early(
    record: dict[str, Any], engagement: str
) -> None:
    line = seal(record, KEYS, engagement=engagement, on="intake")
    assert read(line, engagement=engagement, on="intake") == record
    assert "\n" not in line
    assert line.isascii()
    assert "--" not in line.removeprefix("<!--").removesuffix("-->")


@given(at=st.integers(0, len(LINE) - 1), instead=st.characters())
def test_any_changed_character_is_refused(at: int, instead: str) -> None:
    assume(LINE[at] != instead)
    assert read(LINE[:at] + instead + LINE[at + 1 :]) is None


@pytest.mark.parametrize("instead", ["", "A"])
def test_every_character_that_is_missing_or_another_is_refused(instead: str) -> None:
    changed = {LINE[:at] + instead + LINE[at + 1 :] for at in range(len(LINE))} - {LINE}
    assert [line for line in changed if read(line) is not None] == []


ELSEWHERE = {
    "of another issue": {"on": "intake"},
    "of another engagement": {"engagement": "7f1c2a34-5b6d-4e8f-9a0b-1c2d3e4f5a6b"},
    "signed by a stranger": {"keys": RecordKeys([FOREIGN])},
}


@pytest.mark.parametrize("how", ELSEWHERE.values(), ids=ELSEWHERE)
def test_a_record_that_belongs_elsewhere_is_refused(how: dict[str, Any]) -> None:
    assert read(LINE, **how) is None


def test_the_engagement_can_be_read_from_the_note_alone() -> None:
    found = find_sealed(LINE, KEYS, on="scoping")
    assert found is not None
    assert (found.engagement, found.record) == (ACME, RECORD)
    assert read(LINE, engagement=None) == RECORD


def test_a_rotated_key_still_reads_and_the_newest_one_signs() -> None:
    before = seal(RECORD, RecordKeys([OLD]), engagement=ACME, on="scoping")
    assert read(before) == RECORD
    assert read(LINE, RecordKeys([NEW])) == RECORD
    assert read(LINE, RecordKeys([OLD])) is None


def test_a_token_of_a_status_address_is_no_signature() -> None:
    payload = LINE.split(" ")[3]
    token = KEYS.token_of(f"v1 scoping {payload}")
    assert read(f"<!-- psplan-record v1 {payload} {token} -->") is None


IN_A_NOTE = {
    "alone": LINE,
    "behind words": f"words\n\n{LINE}",
    "behind the collapsed part": f"<details>\n<summary>More</summary>\n\n- a\n\n</details>\n\n{LINE}\n",
    "with line ends as Windows writes them": f"words\r\n\r\n{LINE}\r\n\r\nwords",
    "with blanks behind it": f"words\n\n{LINE}  \n",
    "twice the same": f"{LINE}\n\n{LINE}",
}


@pytest.mark.parametrize("text", IN_A_NOTE.values(), ids=IN_A_NOTE)
def test_it_is_found_where_the_bot_wrote_it(text: str) -> None:
    assert read(text) == RECORD


OLDER = seal({}, KEYS, engagement=ACME, on="scoping")
NOT_LIVE = {
    "no record": "words",
    "empty": "",
    "in a fence": f"```\n{LINE}\n```",
    "in an open fence": f"```\n{LINE}",
    "quoted": f"> {LINE}",
    "in a list": f"- {LINE}",
    "indented": f" {LINE}",
    "as code": f"`{LINE}`",
    "words before it": f"words {LINE}",
    "words behind it": f"{LINE} words",
    "in another comment": f"<!--\n{LINE}",
    "in raw HTML": f"<div>\n{LINE}\n</div>",
    "beside an older one": f"{LINE}\n\n{OLDER}",
    "beside a forged one": f"<!-- psplan-record v1 AAAA AAAA -->\n\n{LINE}",
    "without an end": LINE.removesuffix(" -->"),
    "over two lines": LINE.replace(" v1 ", "\nv1 "),
    "of a later version": LINE.replace(" v1 ", " v2 "),
    "without a signature": " ".join([*LINE.split(" ")[:4], "-->"]),
}


@pytest.mark.parametrize("text", NOT_LIVE.values(), ids=NOT_LIVE)
def test_it_is_not_believed_elsewhere(text: str) -> None:
    assert read(text) is None


def signed(packed: bytes) -> str:
    payload = base64.b64encode(packed, b"._").decode().rstrip("=")
    return f"<!-- psplan-record v1 {payload} {KEYS.seal_of(f'v1 scoping {payload}'.encode())} -->"


UNREADABLE = {
    "not packed": b"{}",
    "packed and cut": zlib.compress(json.dumps({"engagement": ACME, "record": {}}).encode())[:-5],
    "a bomb": zlib.compress(b" " * (MAX_BYTES + 1) + b"{}"),
    "a large bomb": zlib.compress(b"[" * (50 * MAX_BYTES)),
    "deeply nested": zlib.compress(b"[" * 200_000),
    "no JSON": zlib.compress(b"{"),
    "no text": zlib.compress(b"\xff\xfe\xff"),
    "a list": zlib.compress(b"[]"),
    "no engagement": zlib.compress(b'{"record":{}}'),
    "no record": zlib.compress(b'{"engagement":"%s","record":[]}' % ACME.encode()),
}


@pytest.mark.parametrize("packed", UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read_is_no_record_even_if_it_is_signed(packed: bytes) -> None:
    assert read(signed(packed), engagement=None) is None


@pytest.mark.parametrize("payload", ["A", "AAAAA", ".", "_" * 1_000])
def test_what_is_no_base64_is_no_record_even_if_it_is_signed(payload: str) -> None:
    line = f"<!-- psplan-record v1 {payload} {KEYS.seal_of(f'v1 scoping {payload}'.encode())} -->"
    assert read(line, engagement=None) is None


@given(text=st.text())
def test_no_text_makes_it_fail(text: str) -> None:
    assert read(text) is None
    assert read(f"<!-- psplan-record {text} -->") is None


def test_a_record_that_could_not_be_read_again_is_not_written() -> None:
    with pytest.raises(ValueError, match="too large"):
        seal({"x": "y" * MAX_BYTES}, KEYS, engagement=ACME, on="scoping")


def test_a_marker_beside_it_is_still_found() -> None:
    assert len(find_markers(f"{marker('status', 'a-scoping')}\n\nwords\n\n{LINE}")) == 1


def test_the_same_record_makes_the_same_line() -> None:
    turned = dict(reversed(RECORD.items()))
    assert seal(turned, KEYS, engagement=ACME, on="scoping") == LINE


def test_of_several_records_the_first_that_fits_is_written_and_else_none() -> None:
    large, larger = {"x": _noise(MOST_CHARS)}, {"x": "y" * MAX_BYTES}
    assert seal_what_fits([larger, large, RECORD, {}], KEYS, engagement=ACME, on="scoping") == LINE
    assert seal_what_fits([larger, large], KEYS, engagement=ACME, on="scoping") == ""


def test_a_record_in_another_script_is_not_made_longer_by_its_script() -> None:
    record = {"x": "".join(chr(0x4E00 + (7 * at * at) % 20_000) for at in range(250_000))}
    assert read(seal(record, KEYS, engagement=ACME, on="scoping")) == record


def test_half_a_surrogate_pair_is_written_and_read_again() -> None:
    record = {"x": "\ud800"}
    assert read(seal(record, KEYS, engagement=ACME, on="scoping")) == record


def _noise(chars: int) -> str:
    return base64.b64encode(random.Random(1).randbytes(chars)).decode()
