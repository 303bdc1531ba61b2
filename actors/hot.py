"""The host of the fused placement: it lends itself to the thread that brings market data.

A hand-over to a sleeping thread costs 30 to 150 us, more than everything else that a picture needs.
So the reader of the socket does not hand over: when the host is at rest, the reader carries its
frame through the roles on its own thread, and the order that follows leaves on it too. It is still
one host that does one thing at a time: a lock sees to that, and nobody waits for it but the host.

Order is kept, for each sender, by counting. What is not lent goes to the inbox, and until the last
of that has been handled everything else goes there as well, in its turn. A host that wants its own
thread's turn says so, and is not overtaken again: heartbeats and control never starve in a burst.

A message that brings the host down does so on either thread: it leaves its names, reports, and its
successor regains its state from the journal, exactly as with `RoleActor`. A hand that hangs on the
reader's thread keeps the lock, so the heartbeat goes unanswered, and the host is replaced.
"""

from __future__ import annotations

import logging
from collections import deque
from threading import Lock
from typing import TYPE_CHECKING, Any

from actors.host import RoleActor
from actors.inbox import Inbox
from config.logs import kv
from core.topology import CONFLATE, STREAMED

if TYPE_CHECKING:
    from types import TracebackType

    from pykka._envelope import Envelope

    from actors.host import Crew, Station
    from actors.inbox import Delivery
    from core.messages import Message

_log = logging.getLogger(__name__)


class CountingInbox(Inbox):
    """An inbox that knows how much of what it was given has not been handled to its end."""

    def __init__(self) -> None:
        super().__init__()
        self.unhandled: deque[None] = deque()
        """One for each; snapshots are not counted, for they may vanish and keep no order."""

    def put(self, envelope: Envelope[Any], /) -> None:
        """Leave an envelope; counted before anybody can take it."""
        content = envelope.message
        if type(content) is tuple and type(content[1]) not in CONFLATE:
            self.unhandled.append(None)
        super().put(envelope)


class HotActor(RoleActor):
    """Carries the roles from feed to execution; see the module's text.

    With any other inbox than its own (that of `actors.stepper`) it lends nothing: there all hosts
    share one order.
    """

    def __init__(self, station: Station, crew: Crew) -> None:
        super().__init__(station, crew)
        inbox = self._inbox
        self._unhandled = inbox.unhandled if isinstance(inbox, CountingInbox) else None
        self._at_work = Lock()
        self._wanted = False
        """The host's own thread has a message in its hands and waits for its turn."""
        self._lends = False

    @staticmethod
    def _create_actor_inbox() -> Inbox:
        return CountingInbox()

    def begin(self) -> None:
        """As ever; only then is there something to lend."""
        super().begin()
        self._lends = self._unhandled is not None

    def express(self, to: str, message: Message) -> bool:
        """Handle market data here and now, where the host is at rest. On the sender's thread."""
        if (
            type(message) not in STREAMED
            or not self._lends
            or self._wanted
            or self._unhandled
            or not self._at_work.acquire(blocking=False)
        ):
            return False
        try:
            if self._left:
                return False
            self._lend((to, message))
        finally:
            self._at_work.release()
        return True

    def on_receive(self, message: Delivery) -> object:
        """Handle one message from the inbox; on the host's own thread, in its turn."""
        self._wanted = True
        with self._at_work:
            self._wanted = False
            if self._left:  # it fell on the other thread, with this one untouched in its hands
                self.station.directory.tell(*message)
                return None
            try:
                return super().on_receive(message)
            finally:
                if self._unhandled is not None and type(message[1]) not in CONFLATE:
                    self._unhandled.popleft()

    def on_stop(self) -> None:
        """Leave in order, and not in the middle of something."""
        with self._at_work:
            super().on_stop()

    def on_failure(
        self,
        exception_type: type[BaseException] | None,
        exception_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave for a reason."""
        with self._at_work:
            super().on_failure(exception_type, exception_value, traceback)

    def _lend(self, delivery: Delivery) -> None:
        self.handled_elsewhere += 1
        try:
            self.handle(delivery, self._inbox.meter())
        except Exception:  # noqa: BLE001 - border: the sender's thread; the fall is reported
            _log.exception("host fell", extra=kv(actor=self.station.name))
