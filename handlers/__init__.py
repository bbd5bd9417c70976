"""What each event brings about: pure functions that return actions; no I/O, no clock, no SQL."""
