"""A catalogue file → Catalogue; what is wrong with the file is told by file and line, all of it at once."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from app.catalogue.model import Catalogue
from app.catalogue.soundness import unsound
from app.layers import FileFaults, laid_over, layers, told, validated

DEFAULT = Path(__file__).with_name("default.yaml")


def load_catalogue(path: Path | None = None, *, questions: Iterable[str] | None = None) -> Catalogue:
    """The catalogue of a file, or the one that ships. Raises FileFaults.

    `questions`: those that the methodology asks; facts are answered by no others.
    """
    asked = None if questions is None else frozenset(questions)
    return _shipped(asked) if path is None else _checked(path, asked)


@cache
def _shipped(questions: frozenset[str] | None) -> Catalogue:
    return _checked(DEFAULT, questions)


def _checked(path: Path, questions: frozenset[str] | None) -> Catalogue:
    base, own = layers(path, DEFAULT)
    tree = laid_over(base, own)
    catalogue = validated(tree, Catalogue)
    if found := tuple(told(tree, unsound(catalogue, questions))):
        raise FileFaults(found)
    return catalogue
