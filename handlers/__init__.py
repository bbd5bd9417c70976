"""What each event brings about: pure functions that return actions; no I/O, no clock, no SQL.

Importing this package registers every handler.
"""

from handlers import adoption, submissions

__all__ = ["adoption", "submissions"]
