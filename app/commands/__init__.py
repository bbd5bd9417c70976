"""Comments as commands, without I/O: which lines of a comment are commands, and what their words mean."""

from app.commands.comment import Line, command_lines
from app.commands.words import Money, Words

__all__ = ["Line", "Money", "Words", "command_lines"]
