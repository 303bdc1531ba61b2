"""Bad input at the command line: one clear text on standard error, exit code 2."""

from __future__ import annotations

import sys
from functools import wraps
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
R = TypeVar("R")

EXIT_BAD_INPUT: Final = 2


def refusing(
    *faults: type[Exception],
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorator of a command: what is wrong with its input ends it, nothing half-started."""
    return refusing_late(lambda: faults)


def refusing_late(
    faults: Callable[[], tuple[type[Exception], ...]],
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """As `refusing`, for faults whose modules are imported only once one has come."""

    def decorate(command: Callable[P, R]) -> Callable[P, R]:
        @wraps(command)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return command(*args, **kwargs)
            except faults() as fault:
                click.echo(str(fault), err=True)
                sys.exit(EXIT_BAD_INPUT)

        return run

    return decorate
