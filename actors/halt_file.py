"""The HALT file: the stop that needs nothing of ours to work.

While it stands, no order leaves (the exchange actor looks before each one), and the supervisor
halts trading as soon as it sees it. Anybody who can write a file can stop this: an operator with a
shell, a cron job, and the system itself where it can no longer write its journal.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from config.logs import kv

if TYPE_CHECKING:
    from pathlib import Path

_log = logging.getLogger(__name__)

_LONGEST: Final = 200


class HaltFile:
    """One path. All methods on any thread."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> str | None:
        """The first line of the file; "" for an empty or unreadable one, None where it is absent.

        What cannot be looked at counts as standing there: the safe side.
        """
        try:
            with self.path.open(encoding="utf-8", errors="replace") as file:
                return file.readline(_LONGEST).strip()
        except FileNotFoundError:
            return None
        except OSError:
            return ""

    def write(self, reason: str) -> bool:
        """Put it there, with the reason; one that stands is left alone. Whether it stands now."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.touch(mode=0o644)  # an empty file stops as well, where the disk is full
            if not self.path.stat().st_size:
                self.path.write_text(f"{reason}\n", encoding="utf-8")
        except OSError as error:
            _log.critical("the HALT file could not be written", extra=kv(why=error))
        return self.read() is not None
