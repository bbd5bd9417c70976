"""An opportunity of Salesforce's as the bot knows it: its id in one form, its stage, and what stands in its fields."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from app.methodology.process import Matter
from app.submission.choices import SfdcStage
from app.submission.values import salesforce_id

OBJECT: Final = "Opportunity"
"""What Salesforce's API calls it."""
KEY_CHARS: Final = 15
"""The other three of 18 only guard against a lost case: they say nothing that the first 15 do not."""
OPPORTUNITY_PREFIX: Final = "006"
SALESFORCE: Final = "(Salesforce)"
"""Who did what was done there; no user of GitLab can be called so."""
_FRONT_DOOR: Final = uuid.UUID("5f2b3f2e-6a6f-5d0e-9d6b-0a1f1d0c3c53")
"""Name space of the submissions that opportunities are."""
_KEY: Final = re.compile(rf"{OPPORTUNITY_PREFIX}[A-Za-z0-9]{{12}}(?:[A-Za-z0-9]{{3}})?")


def opportunity_key(text: str | None) -> str | None:
    """The 15 characters that name an opportunity, of its id in either form or its address; None where it is none."""
    found = None if not text else salesforce_id(text.strip())
    return found[:KEY_CHARS] if found is not None and _KEY.fullmatch(found) else None


def front_door_id(key: str) -> str:
    """The id of the submission that an opportunity is by itself: the same, however often it is told of."""
    return str(uuid.uuid5(_FRONT_DOOR, key))


def stage_named(text: str | None) -> SfdcStage | None:
    """A stage as Salesforce spells it; None for one that this process knows nothing of."""
    spelled = {stage.value.casefold(): stage for stage in SfdcStage}
    return spelled.get((text or "").strip().casefold())


@dataclass(frozen=True, slots=True)
class Opportunity:
    """As it was read last: `stage` as Salesforce spells it, `at` when it was so (seconds since 1970).

    `written`: field → what the bot wrote there last, by which somebody else's word is told from its own. `wished`:
    field → what it should say, as it was handed over last; `wishes` counts that. `said`: what others decide there
    (a `Matter`) → its status, as it was read last; `asked`: the same → digest of the SOW that they were asked about.
    `case_at`: when the legal case was so, as `at`. `contested`: GitLab's number of a change of a label that says
    another stage than this one: Salesforce is asked again.
    """

    key: str
    stage: str | None = None
    at: float = 0.0
    written: Mapping[str, str] = field(default_factory=dict)
    wished: Mapping[str, str] = field(default_factory=dict)
    wishes: int = 0
    said: Mapping[str, str] = field(default_factory=dict)
    asked: Mapping[str, str] = field(default_factory=dict)
    case_at: float = 0.0
    contested: int | None = None

    def to_record(self) -> dict[str, Any]:
        """As stored."""
        return {
            "key": self.key,
            "stage": self.stage,
            "at": self.at,
            "written": dict(self.written),
            "wished": dict(self.wished),
            "wishes": self.wishes,
            "said": dict(self.said),
            "asked": dict(self.asked),
            "case_at": self.case_at,
            "contested": self.contested,
        }


def ask_key(matter: Matter) -> str:
    """Under which `Opportunity.wished` keeps what others are to be asked about; no field is called so."""
    return f"ask:{matter}"


def known_of(known: Opportunity | None, key: str) -> Opportunity:
    """What is known of an opportunity. Of another one stays what is the engagement's own: its legal case, and the count
    of its wishes, so that no key is used twice."""
    if known is None or known.key == key:
        return known or Opportunity(key)
    kept = {matter: word for matter, word in known.said.items() if matter == Matter.LEGAL_CASE}
    asked = {matter: digest for matter, digest in known.asked.items() if matter == Matter.LEGAL_CASE}
    return Opportunity(key, wishes=known.wishes, said=kept, asked=asked, case_at=known.case_at)


def opportunity_from_record(record: Mapping[str, Any] | None) -> Opportunity | None:
    """What `to_record` wrote."""
    return None if record is None else Opportunity(**record)
