"""Tests of the web pages of the sandbox GitLab."""
