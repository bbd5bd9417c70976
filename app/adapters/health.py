"""Asks the service's own address whether it is alive, as a probe would; a few bytes of the answer are enough."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import httpx
import orjson

from app.errors import VendorDown
from app.ports import Health

MOST_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class HealthProbe:
    """Implements ports.Probe. Redirects are not followed: a webhook's delivery is not, either."""

    timeout_s: float

    def __call__(self, url: str) -> Health:
        """GET it."""
        body = b""
        try:
            with httpx.stream("GET", url, timeout=self.timeout_s, follow_redirects=False) as answer:
                for chunk in answer.iter_bytes():
                    body += chunk
                    if len(body) > MOST_BYTES:
                        break
                return Health(answer.status_code, _is_ours(body))
        except (httpx.HTTPError, httpx.InvalidURL) as fault:
            raise VendorDown(str(fault) or type(fault).__name__) from fault


def _is_ours(body: bytes) -> bool:
    try:
        return bool(orjson.loads(body) == {"status": "ok"})
    except orjson.JSONDecodeError:
        return False
