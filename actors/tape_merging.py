"""Days of a tape that are over become one file each, in a process of their own.

A day of a busy market takes ten seconds of a core, and memory that Arrow does not give back: in the
daemon that would slow its actors and stay. The child has the lowest priority. It may be killed at
any moment, for a merged file counts only once it is whole.
"""

from __future__ import annotations

import logging
import subprocess
import sys
from typing import TYPE_CHECKING

from actors.child_process import RUN, await_end
from config.logs import kv
from core.research.tape_folder import unmerged

if TYPE_CHECKING:
    from pathlib import Path

_log = logging.getLogger(__name__)


class Merging:
    """At most one child at a time. Not thread-safe: the recorder's thread, then who stops it."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._child: subprocess.Popen[str] | None = None

    def begin(self, today: str) -> None:
        """Start on the days before `today`, where there is anything to merge."""
        if self._child is not None or not unmerged(self._root, today):
            return
        command = [sys.executable, str(RUN), "tape", "merge", str(self._root)]
        try:
            self._child = subprocess.Popen(  # noqa: S603 - our own program
                [*command, "--before", today, "--gently"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,  # Ctrl-C at a terminal is for us
            )
        except OSError as error:
            _log.error("the tape was not tidied", extra=kv(why=error))

    def look(self) -> None:
        """Tell how the child ended, once it has."""
        child = self._child
        if child is None or child.poll() is None:
            return
        self._child = None
        assert child.stderr is not None
        with child.stderr:
            said = child.stderr.read().strip()
        if child.returncode:
            _log.error("the tape was not tidied", extra=kv(why=said or child.returncode))
        else:
            _log.info("days of the tape were merged", extra=kv(tape=self._root))

    def stop(self) -> None:
        """End a child that is at work; the next start begins its day anew."""
        child = self._child
        if child is None:
            return
        child.terminate()
        await_end(child)
        self._child = None
        assert child.stderr is not None
        child.stderr.close()
