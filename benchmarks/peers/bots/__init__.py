"""The contestants' programs, one process each; they run in an environment of their own, see `installs`."""
