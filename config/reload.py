"""SIGHUP: the settings are read again, and what may change while trading is taken over.

Only what cannot move money changes in place: the log's level. Whatever else differs is named, for
it takes a restart; settings that cannot be read change nothing.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from config.effective import effective
from config.faults import SettingsError
from config.logs import kv, set_level

if TYPE_CHECKING:
    from collections.abc import Callable

    from config.settings import Settings

_log = logging.getLogger(__name__)

AT_ONCE: Final = frozenset({"LOG_LEVEL"})


class Reloader:
    """On the main thread. `read` reads the settings as they were read at the start."""

    def __init__(self, settings: Settings, read: Callable[[], Settings]) -> None:
        self._values = _values(settings)
        self._read = read

    def reload(self) -> tuple[str, ...]:
        """Take over what may change; the names of what waits for a restart."""
        try:
            settings = self._read()
        except SettingsError as error:
            _log.error("settings not read again: they have faults", extra=kv(why=error))
            return ()
        new = _values(settings)
        names = sorted(new.keys() | self._values.keys())
        waiting = tuple(
            name
            for name in names
            if name not in AT_ONCE and new.get(name) != self._values.get(name)
        )
        set_level(settings.log_level)
        said = kv(log_level=settings.log_level, waits_for_restart=",".join(waiting) or "nothing")
        _log.warning("settings read again", extra=said)
        return waiting


def _values(settings: Settings) -> dict[str, str]:
    return {row.name: row.value for row in effective(settings)}
