"""The daemon, in a process that dies at a journalled step: `python -m tests.recovery.victim`.

Environment: DRILL_KILL_AT (step counted from the start; 0 never) and DRILL_KILL_BEFORE (1: before
the entry is written, 0: after). The rest of the command line is that of `run.py`.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

from core.journal_sqlite import SqliteJournal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.messages import Message
    from core.units import Nanos


def make_lethal(at: int, *, before: bool) -> None:
    """Let every journal of this process count its steps, and kill the process at one of them."""
    write, lock, steps = SqliteJournal.append, threading.Lock(), iter(range(1, at + 1))

    def append(self: SqliteJournal, events: Sequence[Message], now: Nanos) -> None:
        with lock:
            last = next(steps, at) == at
        if last and before:
            os.kill(os.getpid(), signal.SIGKILL)
        write(self, events, now)
        if last:
            os.kill(os.getpid(), signal.SIGKILL)

    SqliteJournal.append = append  # type: ignore[method-assign]


if __name__ == "__main__":
    kill_at = int(os.environ.get("DRILL_KILL_AT", "0"))
    if kill_at:
        make_lethal(kill_at, before=os.environ.get("DRILL_KILL_BEFORE") == "1")
    from run import main

    main(sys.argv[1:])
