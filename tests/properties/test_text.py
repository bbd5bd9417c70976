"""Whatever a stranger writes, and however the bot puts it together: nothing in it acts, and its words can be read."""

import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app import text
from app.sandbox.quick_actions import extract

from .gfm_model import live_in_title, read
from .strategies import ALLOWED_HOSTS, BIDI, Document, compose, nasty, nasty_texts, visible

FORMS: dict[str, Callable[[str], str]] = {
    "code span": text.code_span,
    "cell": text.cell,
    "fence": text.fenced,
    "refused link": lambda value: text.link(value, "label", allowed_hosts=ALLOWED_HOSTS),
    "allowed link": lambda value: text.link("https://a.force.com/x", f"Opp {value}", allowed_hosts=ALLOWED_HOSTS),
}


def assert_inert(document: Document) -> None:
    written = document.text
    reading = read(written)
    assert [act for act in reading.live if not act.startswith("mention: '@_erin_")] == []
    assert len(reading.live) == document.mentions
    assert [block.strip() for block in reading.html if not block.startswith(("<!-- psplan:", "<br>"))] == document.html
    assert len(reading.links) == document.links
    assert all(link.startswith(("https://acme.my.salesforce.com/", "https://a.force.com/x")) for link in reading.links)
    assert visible(reading.shown) == visible("".join(document.shown))
    assert not set(written) & set(BIDI)
    stored = extract(written)
    assert stored.commands == ()
    assert stored.text == written.rstrip(" \t\n\v\f\0")
    assert text.find_markers(written) == document.markers
    parts = text.sections(stored.text)
    assert list(parts) == document.sections
    assert all(part.is_untouched for part in parts.values())
    assert "\r" not in written
    written.encode("utf-8")


def assert_title_is_inert(value: str) -> None:
    title = text.title(value)
    assert live_in_title(title) == []
    assert 0 < len(title) <= 255
    assert title.isprintable() or not set(title) & {"\n", "\r", "\0", *BIDI}
    assert title.strip()
    assert text.title(title) == title
    title.encode("utf-8")
    if len(title) < 200 and visible(value):
        assert visible(title) == visible(value)


@pytest.mark.parametrize("seed", range(20))
def test_five_thousand_composed_values_are_inert_and_readable(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(250):
        values = [nasty(rng) for _ in range(20)]
        assert_inert(compose(values, rng))


@pytest.mark.parametrize("seed", range(5))
def test_a_thousand_values_are_inert_alone_in_every_form_and_as_title(seed: int) -> None:
    rng = random.Random(f"alone {seed}")
    for _ in range(1_000):
        value = nasty(rng)
        assert_title_is_inert(value)
        for name, form in FORMS.items():
            is_link = name == "allowed link"
            assert_inert(Document([form(value)], ["Opp " * is_link, value], links=int(is_link)))


@settings(max_examples=300, deadline=None)
@given(values=st.lists(nasty_texts(), min_size=1, max_size=8), rng=st.randoms(use_true_random=False))
def test_any_composed_values_are_inert_and_readable(values: list[str], rng: random.Random) -> None:
    assert_inert(compose(values, rng))


@settings(max_examples=300, deadline=None)
@given(value=nasty_texts())
def test_any_title_is_inert_and_readable(value: str) -> None:
    assert_title_is_inert(value)
