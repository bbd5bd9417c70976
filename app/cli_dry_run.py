"""`psplan deliveries replay --dry-run`: prints what a delivery would bring about now."""

from __future__ import annotations

import sys

from app.cli_database import print_json, reading
from app.engine.deciding import Decider
from app.failure import Failure
from app.foresight import Unforeseeable, foresee
from app.layers import FileFaults
from app.logs import set_up_logs
from app.main import Service
from app.settings import Settings, load_part
from app.store.memory import Read
from app.templates import TemplateFaults


def show_what_would_be_done(delivery_id: int, *, as_json: bool) -> int:
    """Print the decision and its reasons. Raises Failure."""
    try:
        with reading() as read:
            told = foresee(delivery_id, read, lambda: _decider(read))
    except (Unforeseeable, FileFaults, TemplateFaults) as fault:
        raise Failure(str(fault)) from fault
    if as_json:
        print_json({"id": told.delivery, "actions": list(told.actions), "because": list(told.because)})
        return 0
    sys.stdout.write(f"delivery {told.delivery} ({told.state}) would now be decided so:\n")
    sys.stdout.write("".join(f"  because: {each}\n" for each in told.because))
    would = "".join(f"  would {each}\n" for each in told.actions)
    sys.stdout.write(would or "  nothing would be done\n")
    return 0


def _decider(read: Read) -> Decider:
    settings = load_part(Settings)
    set_up_logs(style=settings.log_format, secrets=settings.secret_values(), is_quiet=True)
    return Service(settings).decider(read)
