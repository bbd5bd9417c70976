"""The record of faults: what was done to a running service, and what came of it."""
