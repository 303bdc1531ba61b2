"""What is wrong with the settings, in words: one line per fault, secrets never."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

SECRET: Final = frozenset({"KALSHI_API_KEY", "KALSHI_PRIVATE_KEY"})
HIDDEN: Final = "(hidden)"
_LONGEST_SHOWN: Final = 120


class SettingsError(ValueError):
    """The settings cannot be used. `faults` holds one line for each thing to mend."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One setting that cannot be used: where it was found, what it was, what would do."""

    name: str
    origin: str
    problem: str
    value: object = None
    nearest: str | None = None

    def __str__(self) -> str:
        """The fault on one line."""
        shown = f"{self.name}={shown_value(self.name, self.value)}"
        if self.value is None:
            shown = self.name
        hint = f"; did you mean {self.nearest}?" if self.nearest else ""
        return f"{shown} ({self.origin}): {self.problem}{hint}"


def shown_value(name: str, value: object) -> str:
    """The value as text on one line; a secret never."""
    if name in SECRET:
        return HIDDEN
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "..."


def nearest(name: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The known name that `name` was probably meant to be, in any case; else None."""
    spelled = {word.lower(): word for word in known}
    found = difflib.get_close_matches(name.lower(), spelled, n=1, cutoff=cutoff)
    return spelled[found[0]] if found else None
