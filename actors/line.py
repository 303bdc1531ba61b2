"""The line to the exchange on which orders leave: shared by everybody who writes to one account.

Several desks may stand on it: that of the exchange actor, of the one before it whose threads still
finish, and the supervisor's own. What has to hold for all of them together stands here: which
orders may leave no more, how many are just leaving, and when the last write was answered.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.units import Nanos


class Line:
    """One for each account. All methods on any thread."""

    def __init__(self, now: Nanos) -> None:
        self._changed = threading.Condition()
        self._leaving = 0
        self._least_epoch = 0
        self._last_write = now

    def forbid(self, epoch: int) -> None:
        """Let no order of an epoch before `epoch` leave any more. Cannot be taken back."""
        with self._changed:
            self._least_epoch = max(self._least_epoch, epoch)

    def allows(self, epoch: int) -> bool:
        """Whether an order of this epoch may leave; to be asked inside `leaving`."""
        return epoch >= self._least_epoch

    @contextmanager
    def leaving(self) -> Iterator[None]:
        """Around the last look at an order, its sending and its answer.

        An order that looks after a `forbid` sees it; one that looked before is waited for by
        `wait_until_quiet`. So after both, nothing forbidden is under way.
        """
        self.begin()
        try:
            yield
        finally:
            self.end()

    def begin(self) -> None:
        """`leaving`, where what is begun on one thread ends on another: `end` must follow."""
        with self._changed:
            self._leaving += 1

    def end(self) -> None:
        """The answer is there, or given up."""
        with self._changed:
            self._leaving -= 1
            self._changed.notify_all()

    def wait_until_quiet(self, timeout: float) -> bool:
        """Wait until no order is just leaving; False if one still is after `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._leaving, timeout)

    def wrote(self, now: Nanos) -> None:
        """A write was answered, or given up."""
        with self._changed:
            self._last_write = max(self._last_write, now)

    @property
    def last_write(self) -> Nanos:
        """When the last write was answered, by our clock or the exchange's, whichever is later.
        What rested before our time is not younger.
        """
        return self._last_write
