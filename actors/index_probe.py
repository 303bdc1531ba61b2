"""Whether the exchange's stream delivers the index: one connection, one subscription, one print."""

from __future__ import annotations

import queue
import time
from typing import TYPE_CHECKING, Final

import msgspec

from actors.reader import Opening
from actors.sockets import KalshiStream, KalshiTerms
from core import messages as m
from core.units import Nanos

if TYPE_CHECKING:
    from collections.abc import Iterable

    from core.clock import Clock
    from core.exchange.auth import Signer

_STREAM: Final = "probe"
_CHANNEL: Final = "cfbenchmarks_value"
_END_SECONDS: Final = 5.0


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """What came in time."""

    ages: dict[str, Nanos]
    """By index: how old its print was on arrival, by its own time."""
    trouble: str
    """Why the others are missing; empty where none is."""


class IndexProbe:
    """Listens once. Blocks the thread that calls `listen`."""

    def __init__(self, terms: KalshiTerms, signer: Signer, clock: Clock) -> None:
        self._news: queue.SimpleQueue[m.Message] = queue.SimpleQueue()
        opening = Opening(
            order=m.OpenStream(stream=_STREAM, conn=1, delay=Nanos(0)),
            clock=clock,
            deliver=self._take,
            failed=lambda _: None,  # the loss that follows says the same
        )
        self._reader = KalshiStream(opening, terms, signer)

    def _take(self, messages: Iterable[m.Message]) -> None:
        for message in messages:
            self._news.put(message)

    def listen(self, index_ids: tuple[str, ...], seconds: float) -> Heard:
        """Wait for a print of each index, at most so many seconds of the machine."""
        self._reader.start()
        try:
            return self._listen(index_ids, time.monotonic() + seconds)
        finally:
            self._reader.close()
            self._reader.join(_END_SECONDS)

    def _listen(self, index_ids: tuple[str, ...], deadline: float) -> Heard:
        ages: dict[str, Nanos] = {}
        trouble = "no print came in time"
        while not ages.keys() >= set(index_ids):
            try:
                message = self._news.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                return Heard(ages=ages, trouble=trouble)
            match message:
                case m.StreamChanged(state="open"):
                    self._subscribe(index_ids)
                case m.StreamChanged(state="lost"):
                    return Heard(ages=ages, trouble=f"the stream was lost: {message.reason}")
                case m.StreamReply(kind="error"):
                    trouble = f"refused with error {message.code}: {message.text}"
                case m.IndexPrint():
                    ages.setdefault(message.index_id, _age(message))
                case _:
                    pass
        return Heard(ages=ages, trouble="")

    def _subscribe(self, index_ids: tuple[str, ...]) -> None:
        self._reader.send(
            m.SendCommand(
                stream=_STREAM,
                conn=1,
                command="subscribe",
                channels=(_CHANNEL,),
                tickers=index_ids,
                command_id=1,
            )
        )


def _age(message: m.IndexPrint) -> Nanos:
    return Nanos(max(0, message.ts_recv - message.ts_event))
