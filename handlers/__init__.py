"""What each event brings about: pure functions that return actions; no I/O, no clock, no SQL.

Importing this package registers every handler.
"""

from handlers import issues, submissions

__all__ = ["issues", "submissions"]
