"""Why a command of the command line failed: one line for the person who typed it."""

from __future__ import annotations


class Failure(Exception):
    """The text is printed on stderr, and the exit code is 1."""
