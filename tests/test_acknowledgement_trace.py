"""How the benchmark of acknowledgements reads a trace of system calls: the instrument is checked before its use."""

from __future__ import annotations

import pytest

from benchmarks.faults.acks import Reading

ASKED = '11 1.000000 read(7, "POST /webhooks/gitlab HTTP/1.1\\r\\n"..., 256000) = 3257'
ASKED_IN_TWO = (
    "11 1.000000 read(7,  <unfinished ...>",
    '11 1.000001 <... read resumed>"POST /webhooks/gitlab HTTP/1.1\\r\\n"..., 256000) = 3257',
)
SYNCED = "12 2.000000 fdatasync(5) = 0"
BEGAN, ENDED = "12 2.000000 fdatasync(5 <unfinished ...>", "12 2.500000 <... fdatasync resumed>) = 0"
ANSWERED = '11 3.000000 write(7, "HTTP/1.1 202 Accepted\\r\\n"..., 44) = 44'


@pytest.mark.parametrize(
    ("lines", "violations"),
    [
        pytest.param((ASKED, SYNCED, ANSWERED), 0, id="asked, synced, answered"),
        pytest.param((*ASKED_IN_TWO, SYNCED, ANSWERED), 0, id="a read that strace split in two lines"),
        pytest.param((ASKED, BEGAN, ENDED, ANSWERED), 0, id="a sync that strace split in two lines"),
        pytest.param((ASKED, ANSWERED), 1, id="answered without a sync"),
        pytest.param((ASKED, BEGAN, ANSWERED, ENDED), 1, id="answered while the sync was under way"),
        pytest.param((SYNCED.replace("2.0", "0.5"), ASKED, ANSWERED), 1, id="a sync from before it was asked"),
        pytest.param((ASKED, SYNCED.replace("= 0", "= -1 EIO"), ANSWERED), 1, id="a sync that failed"),
    ],
)
def test_an_acknowledgement_counts_as_kept_only_with_a_whole_sync_between_question_and_answer(
    lines: tuple[str, ...], violations: int
) -> None:
    reading = Reading()
    for line in lines:
        reading.take(line)
    assert (reading.acks, reading.violations) == (1, violations)
