"""Who follows what on the local exchange's stream, and the numbers under which frames leave.

One subscription per channel and connection, each with its `sid`. `seq` counts every message of a
sequenced subscription, control replies included (kalshi.md 4.4).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import msgspec

from core.exchange.wire.commands import BOOK_CHANNEL, GROUP_CHANNEL, INDEX_CHANNELS
from core.exchange.wire.control_frames import StreamErrorBody
from core.exchange.wire.frames import Numbers, encode_frame

if TYPE_CHECKING:
    from collections.abc import Iterator

    from web.exchange_outbox import Outbox

UNSEQUENCED: Final = frozenset({"ticker", "fill", "user_orders", "market_positions"})
SILENT: Final = frozenset({"multivariate_market_lifecycle", "communications", "pyth_value"})
"""Channels of the real exchange on which nothing ever happens here."""
WHOLE_EXCHANGE: Final = SILENT | {"market_lifecycle_v2", GROUP_CHANNEL}
"""Channels that take no market filter."""
CHANNELS: Final = frozenset({BOOK_CHANNEL, "trade"}) | UNSEQUENCED | INDEX_CHANNELS | WHOLE_EXCHANGE
ALL_INDICES: Final = "all"
Frame = tuple[str, bytes]
"""Type and encoded body."""
OVERFLOW: Final = StreamErrorBody(code=25, msg="Subscription buffer overflow")
CHANNEL_ERROR: Final = StreamErrorBody(code=10, msg="Channel error")


class Subscription:
    """One channel of one connection."""

    __slots__ = ("channel", "held", "indices", "seq", "sid", "silent_ack", "tickers", "yes_prices")

    def __init__(self, channel: str, sid: int) -> None:
        self.channel = channel
        self.sid = sid
        self.seq = 0
        self.tickers: set[str] | None = None
        """None: every market."""
        self.indices: set[str] = set()
        self.yes_prices = False
        self.silent_ack = False
        self.held: bytes | None = None
        """A frame that a fault keeps back until the next one."""

    def numbers(self, command_id: int = 0) -> Numbers:
        """The numbers of its next frame; channels without a sequence have no `seq`."""
        if self.channel not in UNSEQUENCED:
            self.seq += 1
        return Numbers(self.sid, self.seq, command_id)

    def follows(self, ticker: str) -> bool:
        """Whether frames of this market belong here."""
        return self.tickers is None or ticker in self.tickers

    def follows_index(self, index_id: str) -> bool:
        """Whether prints of this index belong here."""
        return index_id in self.indices or ALL_INDICES in self.indices


Tamper = Callable[[Subscription, bytes], tuple[bytes, ...]]
"""The frames that leave in place of one."""


class StreamClient:
    """One connection: its account, its outbox, its subscriptions by `sid`."""

    def __init__(self, account: str, outbox: Outbox) -> None:
        self.account = account
        self.outbox = outbox
        self.subscriptions: dict[int, Subscription] = {}
        self._sids = itertools.count(1)

    def on_channel(self, channel: str) -> Subscription | None:
        """The connection's subscription to a channel."""
        return next((sub for sub in self.subscriptions.values() if sub.channel == channel), None)

    def open(self, channel: str) -> Subscription:
        """A new subscription with the next `sid`."""
        subscription = Subscription(channel, next(self._sids))
        self.subscriptions[subscription.sid] = subscription
        return subscription


class Roster:
    """All connections, and for each channel who follows it. Guarded by the exchange's lock."""

    def __init__(self) -> None:
        self._clients: set[StreamClient] = set()
        self._followers: dict[str, list[tuple[StreamClient, Subscription]]] = {}
        self.tamper: Tamper | None = None
        """What goes wrong with frames on purpose; None while nothing does."""

    def __len__(self) -> int:
        return len(self._clients)

    def __iter__(self) -> Iterator[StreamClient]:
        return iter(tuple(self._clients))

    def add(self, client: StreamClient) -> None:
        """A connection that follows nothing yet."""
        self._clients.add(client)

    def remove(self, client: StreamClient) -> None:
        """A connection has gone."""
        self._clients.discard(client)
        self.refresh()

    def refresh(self) -> None:
        """Look again who follows which channel, after subscriptions have changed."""
        self._followers = {}
        for client in self._clients:
            for subscription in client.subscriptions.values():
                entry = (client, subscription)
                self._followers.setdefault(subscription.channel, []).append(entry)

    def followers(self, channel: str) -> tuple[tuple[StreamClient, Subscription], ...]:
        """Who follows a channel now."""
        return tuple(self._followers.get(channel, ()))

    def send(
        self,
        client: StreamClient,
        subscription: Subscription,
        frame: Frame,
        ms: int,
        command_id: int = 0,
    ) -> None:
        """Send one data frame. A full outbox ends the subscription with error 25.

        The error then has the number of the frame that did not fit.
        """
        if subscription.sid not in client.subscriptions:
            return  # ended by an overflow in the same batch of events
        kind, body = frame
        numbers = subscription.numbers(command_id)
        data = encode_frame(kind, body, numbers, ms)
        pieces = (data,) if self.tamper is None else self.tamper(subscription, data)
        if all(client.outbox.offer(piece) for piece in pieces):
            return
        self._end(client, subscription, OVERFLOW, numbers._replace(id=0), ms)

    def break_off(
        self, client: StreamClient, subscription: Subscription, error: StreamErrorBody, ms: int
    ) -> None:
        """End a subscription with an error of the venue's own."""
        self._end(client, subscription, error, subscription.numbers(), ms)

    def _end(
        self,
        client: StreamClient,
        subscription: Subscription,
        error: StreamErrorBody,
        numbers: Numbers,
        ms: int,
    ) -> None:
        del client.subscriptions[subscription.sid]
        self.refresh()
        client.outbox.put(encode_frame("error", msgspec.json.encode(error), numbers, ms))
