"""What the services calculator sends: its model, its faults, its digest, and what changed since the last time."""

from app.submission.block import parse_block, submission_block
from app.submission.compare import Change, changes, content_digest, flatten
from app.submission.fault import Fault, SubmissionFaults
from app.submission.model import Submission, submission_json_schema
from app.submission.parse import parse_submission
from app.submission.warning import Warning, warnings

__all__ = [
    "Change",
    "Fault",
    "Submission",
    "SubmissionFaults",
    "Warning",
    "changes",
    "content_digest",
    "flatten",
    "parse_block",
    "parse_submission",
    "submission_block",
    "submission_json_schema",
    "warnings",
]
