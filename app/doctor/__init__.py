"""Looks whether everything is as it should be: one check for each thing, each by itself, all at the same time."""

# importing them registers their checks, and they are told in this order
# isort: off
from app.doctor import of_settings  # noqa: F401
from app.doctor import of_files  # noqa: F401
from app.doctor import of_gitlab  # noqa: F401
from app.doctor import of_tokens  # noqa: F401
from app.doctor import of_project  # noqa: F401
from app.doctor import of_people  # noqa: F401
from app.doctor import of_database  # noqa: F401
from app.doctor import of_slack  # noqa: F401
from app.doctor import of_service  # noqa: F401
from app.doctor import of_salesforce  # noqa: F401
# isort: on

from app.doctor.finding import Finding, State
from app.doctor.patient import Patient, Tools
from app.doctor.registry import CHECKS, Check
from app.doctor.round import examine

__all__ = ["CHECKS", "Check", "Finding", "Patient", "State", "Tools", "examine"]
