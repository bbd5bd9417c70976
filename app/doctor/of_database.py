"""The database: whether it can be written, whose it is, and whether its tables are those that this psplan knows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from app.doctor.finding import Finding, State
from app.doctor.patient import Patient
from app.doctor.registry import check
from app.store.database import DatabaseFault, need_postgres
from app.store.examine import Examined, examine_sqlite
from app.store.schema import SCHEMA_VERSION

DATABASE: Final = "database"


@check(DATABASE, "database_url")
def database_can_be_used(patient: Patient) -> Iterator[Finding]:
    """Looked at beside a running service, which is not held up."""
    settings = patient.settings
    if not settings.is_shared:
        yield finding_of(examine_sqlite(settings.database_path))
        return
    try:
        need_postgres()
    except DatabaseFault as fault:
        yield Finding(State.BROKEN, DATABASE, str(fault))
        return
    from app.store.postgres import examine  # late: whoever uses SQLite has no psycopg

    yield finding_of(examine(settings.database_url))


def finding_of(seen: Examined) -> Finding:
    """What is to be said of it."""
    if seen.fault is not None:
        return Finding(State.BROKEN, DATABASE, f"{seen.name}: {seen.fault}", seen.mend)
    if not seen.has_tables:
        return Finding(State.OK, DATABASE, f"{seen.name}: not made yet; psplan serve makes it, and may write there")
    version = seen.version or "none"
    user = "; a running psplan uses it" if seen.is_in_use else ""
    if version > SCHEMA_VERSION:
        reason = f"{seen.name}: its tables are of a newer psplan ({version}; this one knows {SCHEMA_VERSION}){user}"
        return Finding(State.BROKEN, DATABASE, reason, "upgrade psplan")
    if version < SCHEMA_VERSION:
        reason = f"{seen.name}: its tables are older ({version}; this psplan has {SCHEMA_VERSION}){user}"
        mend = "restart psplan serve with this version" if seen.is_in_use else "psplan serve brings them up to date"
        return Finding(State.WARNING, DATABASE, reason, mend)
    if seen.stranger is not None:
        reason = f"{seen.name} belongs to the user {seen.stranger}, and not to the one who asks"
        return Finding(State.WARNING, DATABASE, reason, "let one user run psplan and its commands")
    return Finding(State.OK, DATABASE, f"{seen.name}: can be written, tables {version}{user}")
