"""Structs that were prepared may be decoded first by many threads at once.

Without preparation this crashes the interpreter within a few hundred rounds, so each case runs in a
process of its own.
"""

from __future__ import annotations

import subprocess
import sys

ROUNDS = """
import sys, threading
import msgspec
from core.prepared import prepare
sys.setswitchinterval(1e-5)
body = b'{"rows": [{"x": 1, "inner": {"q": 1}}], "inner": {"q": 3}}'
for _ in range(400):
    inner = msgspec.defstruct("Inner", [("q", int)])
    row = msgspec.defstruct("Row", [("x", int), ("inner", inner)])
    page = msgspec.defstruct("Page", [("rows", list[row]), ("inner", inner)])
    if PREPARED:
        prepare([page])
    gate = threading.Barrier(6)
    def first():
        gate.wait()
        msgspec.json.decode(body, type=page)
    threads = [threading.Thread(target=first) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
"""


def test_prepared_structs_survive_a_first_decode_in_many_threads() -> None:
    program = ROUNDS.replace("PREPARED", "1")
    ended = subprocess.run(  # noqa: S603 - the program above
        [sys.executable, "-c", program], capture_output=True, check=False
    )
    assert ended.returncode == 0, ended.stderr.decode()[-500:]
