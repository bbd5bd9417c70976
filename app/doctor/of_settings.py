"""The settings by themselves: each fault by its name, what weakens them, what was left out on purpose or not."""

from __future__ import annotations

from collections.abc import Iterator

from app.doctor.finding import Finding, State
from app.doctor.patient import Patient
from app.doctor.registry import check
from app.keys import key_file

SETTINGS = "settings"


@check(SETTINGS)
def settings_are_well_formed(patient: Patient) -> Iterator[Finding]:
    """Every setting that is missing or malformed, weak, or no setting at all."""
    survey = patient.survey
    for sentence in survey.faults.values():
        what, _, example = sentence.partition(" Example: ")
        yield Finding(State.BROKEN, SETTINGS, what.rstrip("."), f"such as {example}" if example else "")
    for name in patient.settings.weak_keys():
        yield Finding(State.WARNING, SETTINGS, f"{name} holds a key of less than 24 bytes", "make a longer one")
    for name, meant in survey.unknown.items():
        yield Finding(State.WARNING, SETTINGS, f"{name} is no setting", f"did you mean {meant}?" if meant else "")
    if not survey.faults:
        given = len(patient.settings.model_fields_set)
        yield Finding(
            State.OK, SETTINGS, f"complete and well-formed; {given} are given, the others have their defaults"
        )


@check("calculator", "calculator_keys")
def calculator_has_a_key(patient: Patient) -> Iterator[Finding]:
    """Without a key that door is closed, which may be meant."""
    if patient.settings.calculator_keys:
        yield Finding(State.OK, "calculator", "its door is open to whoever has the key")
    else:
        reason = "PSPLAN_CALCULATOR_KEYS is not set: that door is closed"
        yield Finding(State.NOT_CONFIGURED, "calculator", reason)


@check("record key", "record_keys", "database_url")
def record_key_is_kept_apart(patient: Patient) -> Iterator[Finding]:
    """A key that is kept beside the database is lost with it."""
    settings = patient.settings
    if settings.record_keys:
        yield Finding(State.OK, "record key", "given by PSPLAN_RECORD_KEYS")
        return
    file = key_file(settings)
    is_made = file.exists()
    kept = f"kept in {file}" if is_made else f"not given: it will be made and kept in {file}"
    reason = f"{kept}, beside the database; after losing both, approvals must be given again"
    value = f"whsec_ and what is in {file.name}" if is_made else "whsec_ and the base64 of 32 random bytes"
    yield Finding(State.WARNING, "record key", reason, f"set PSPLAN_RECORD_KEYS to {value}")
