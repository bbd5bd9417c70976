"""A small stateful GitLab for demonstrations and tests."""
