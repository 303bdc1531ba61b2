"""Decoding plans made at import, where there is one thread.

msgspec builds the plan of a struct when it is first decoded, and two threads that do so at once
crash the interpreter (seen with 0.22.0; `tests/unit/test_prepared.py` shows it). Every module whose
structs are decoded prepares them when it is imported; afterwards any thread may decode them.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType


def prepare(kinds: Iterable[type]) -> None:
    """Build the plans of these types, and of all that they hold."""
    for kind in kinds:
        msgspec.json.Decoder(kind)


def prepare_package(package: ModuleType) -> None:
    """Build the plans of every concrete struct in the modules of a package."""
    for found in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{found.name}")
        prepare(
            item
            for item in vars(module).values()
            if isinstance(item, type)
            and issubclass(item, msgspec.Struct)
            and item.__module__ == module.__name__
            and not getattr(item, "__parameters__", ())
        )
