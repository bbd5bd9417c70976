"""Finds what no webhook told: looks at GitLab itself, and puts what was missed into the inbox as ordinary events."""

from app.sweep.report import Swept
from app.sweep.sweeper import Sweeper

__all__ = ["Sweeper", "Swept"]
