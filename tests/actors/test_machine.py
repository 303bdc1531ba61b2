"""Threads stay on the core that was asked for, in a process of their own so that nobody suffers."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from actors.machine import check_core
from config.faults import SettingsError

linux = pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity"), reason="this system cannot keep threads on a core"
)
PROGRAM = """
import os, threading
from actors.machine import stay_on
core, end, cores = min(os.sched_getaffinity(0)), threading.Event(), []
early = threading.Thread(target=lambda: (end.wait(), cores.append(os.sched_getaffinity(0))))
early.start()
assert stay_on(core) >= 2
end.set()
early.join()
late = threading.Thread(target=lambda: cores.append(os.sched_getaffinity(0)))
late.start()
late.join()
assert cores == [{core}, {core}], cores
"""


@linux
def test_threads_that_run_and_those_to_come_stay_on_one_core() -> None:
    subprocess.run([sys.executable, "-c", PROGRAM], check=True, timeout=120)  # noqa: S603 - ours


@linux
def test_a_core_that_is_not_ours_is_refused_by_name() -> None:
    check_core(None)
    check_core(min(os.sched_getaffinity(0)))
    with pytest.raises(SettingsError, match=r"CPU_CORE=100000: .* allowed: \d"):
        check_core(100_000)
