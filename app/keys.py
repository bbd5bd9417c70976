"""The keys by which the bot recognises its own: given by settings, or made once and kept beside the database."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from app.settings import DatabaseSettings, Settings, SettingsFault, key_bytes


class RecordKeys:
    """Signs with the first key, recognises by any: so a key can be rotated."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = tuple(keys)

    def token_of(self, submission_id: str) -> str:
        """The unguessable part of a status address; the same for every repetition, and stored nowhere."""
        return _token(self._keys[0], submission_id)

    def is_token_of(self, submission_id: str, token: str) -> bool:
        """Whether the token was made for this submission, in constant time."""
        given = token.encode("utf-8", "surrogatepass")
        matches = [hmac.compare_digest(_token(key, submission_id).encode(), given) for key in self._keys]
        return any(matches)

    def seal_of(self, message: bytes) -> str:
        """The signature of an engagement's record: letters, digits, `.` and `_`."""
        return _seal(self._keys[0], message)

    def is_seal_of(self, message: bytes, seal: str) -> bool:
        """Whether one of the keys signed this record, in constant time."""
        given = seal.encode("utf-8", "surrogatepass")
        matches = [hmac.compare_digest(_seal(key, message).encode(), given) for key in self._keys]
        return any(matches)


def load_record_keys(settings: Settings) -> RecordKeys:
    """The keys of the settings, else the one beside the database, which is made when it is not there.

    Raises SettingsFault where that file can be neither made nor read.
    """
    if settings.record_keys:
        return RecordKeys([key_bytes(key) for key in settings.record_keys])
    beside = key_file(settings)
    try:
        return RecordKeys([_kept_key(beside)])
    except (OSError, ValueError) as fault:
        reason = getattr(fault, "strerror", None) or "it holds no key"
        raise SettingsFault(
            f"PSPLAN_RECORD_KEYS is not set, and {beside} cannot be written or read ({reason})."
        ) from fault


def key_file(settings: DatabaseSettings) -> Path:
    """Where a key is kept that nobody gave: beside the database."""
    database = settings.database_path
    return database.with_name(database.name + ".record-key")


def _kept_key(path: Path) -> bytes:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(base64.b64encode(secrets.token_bytes(32)).decode() + "\n")
            file.flush()
            os.fsync(file.fileno())
    return base64.b64decode(path.read_text(encoding="ascii"))


def _token(key: bytes, submission_id: str) -> str:
    digest = hmac.new(key, b"status:" + submission_id.encode("utf-8", "surrogatepass"), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest[:24]).decode().rstrip("=")


def _seal(key: bytes, message: bytes) -> str:
    """Begins otherwise than a token's: nobody can have one made that is good as the other."""
    digest = hmac.new(key, b"record:" + message, hashlib.sha256).digest()
    return base64.b64encode(digest, b"._").decode().rstrip("=")
