"""Commands of a stream's client: subscribe, unsubscribe, update, list (kalshi.md 4.2, 4.3).

All of it runs under the exchange's lock, so that a snapshot and the deltas after it have no gap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from core.exchange.port import Rejected
from core.exchange.wire.commands import (
    BOOK_CHANNEL,
    INDEX_CHANNELS,
    Command,
    CommandParams,
    decode_command,
)
from core.exchange.wire.control_frames import (
    IndexIdsBody,
    StreamErrorBody,
    SubscribedBody,
    SubscriptionBody,
    TickersBody,
)
from core.exchange.wire.frames import Numbers, encode_frame
from web.exchange_subscriptions import (
    ALL_INDICES,
    CHANNELS,
    WHOLE_EXCHANGE,
    Roster,
    StreamClient,
    Subscription,
)

if TYPE_CHECKING:
    from core.exchange.simulated import SimulatedExchange
    from web.exchange_publisher import Publisher

_encode = msgspec.json.encode

_WORDS: Final = {
    1: "Unable to process message",
    2: "Params required",
    3: "Channels required",
    4: "Subscription IDs required",
    5: "Unknown command",
    7: "Unknown subscription ID",
    8: "Unknown channel name",
    11: "Invalid parameter",
    12: "Exactly one subscription ID is required",
    13: "Unsupported action",
    14: "Market Ticker required",
    15: "Action required",
    24: "Index IDs required",
}
_INDEX_ACTIONS: Final = frozenset({"subscribe_indices", "unsubscribe_indices", "indexlist"})
_MARKET_ACTIONS: Final = frozenset({"add_markets", "delete_markets"})
_BOOK_ACTIONS: Final = _MARKET_ACTIONS | {"get_snapshot"}


class _Refused(Exception):  # noqa: N818 - an answer, not a failure
    """The command is answered with an error frame of this code."""

    def __init__(self, code: int) -> None:
        super().__init__(_WORDS[code])
        self.code = code


class _Call(NamedTuple):
    """A command with what it needs."""

    engine: SimulatedExchange
    client: StreamClient
    id: int
    params: CommandParams


class CommandDesk:
    """Carries out commands. Called under the exchange's lock."""

    def __init__(self, roster: Roster, publisher: Publisher) -> None:
        self._roster = roster
        self._publisher = publisher

    def handle(self, engine: SimulatedExchange, client: StreamClient, text: str | bytes) -> None:
        """Answer one command; a bad one is answered with its error code and changes nothing."""
        try:
            command = decode_command(text)
        except msgspec.ValidationError:
            self._error(client, 0, 11)
            return
        except (msgspec.DecodeError, UnicodeDecodeError):
            self._error(client, 0, 1)
            return
        try:
            self._carry_out(engine, client, command)
        except _Refused as refused:
            self._error(client, command.id, refused.code)

    def _carry_out(self, engine: SimulatedExchange, client: StreamClient, command: Command) -> None:
        if command.cmd == "list_subscriptions":
            self._list(client, command.id)
            return
        actions = {
            "subscribe": self._subscribe,
            "unsubscribe": self._unsubscribe,
            "update_subscription": self._update,
        }
        action = actions.get(command.cmd)
        if action is None:
            raise _Refused(5)
        params = command.params
        if params is None:
            raise _Refused(2)
        if params.market_ticker is not None and params.market_tickers is not None:
            raise _Refused(11)
        action(_Call(engine, client, command.id, params))

    # --- subscribe

    def _subscribe(self, call: _Call) -> None:
        channels = call.params.channels or ()
        if not channels:
            raise _Refused(3)
        if not CHANNELS.issuperset(channels):
            raise _Refused(8)
        if BOOK_CHANNEL in channels and not call.params.tickers():
            raise _Refused(14)
        for channel in dict.fromkeys(channels):
            subscription = call.client.on_channel(channel)
            if subscription is None:
                subscription = call.client.open(channel)
                added = _begin(subscription, call.params)
            else:
                added = _merge(subscription, call.params)
            body = _encode(SubscribedBody(channel=channel, sid=subscription.sid))
            self._reply(call.client, "subscribed", body, Numbers(id=call.id))
            self._roster.refresh()
            self._first_frames(call, subscription, added)

    def _first_frames(
        self, call: _Call, subscription: Subscription, tickers: tuple[str, ...], reply_to: int = 0
    ) -> None:
        """Snapshots of markets; unknown ones stay silent, as at the venue."""
        for ticker in tickers:
            try:
                if subscription.channel == BOOK_CHANNEL:
                    book = call.engine.book(ticker)
                    self._publisher.snapshot(call.client, subscription, book, reply_to)
                elif subscription.channel == "ticker" and call.params.send_initial_snapshot:
                    quote = call.engine.quote(ticker)
                    self._publisher.ticker(call.client, subscription, quote)
            except Rejected:
                continue

    # --- update

    def _update(self, call: _Call) -> None:
        subscription = _only(call.client, call.params)
        if not call.params.action:
            raise _Refused(15)
        if subscription.channel in INDEX_CHANNELS:
            self._update_indices(call, subscription)
            return
        actions = _BOOK_ACTIONS if subscription.channel == BOOK_CHANNEL else _MARKET_ACTIONS
        if call.params.action not in actions or subscription.channel in WHOLE_EXCHANGE:
            raise _Refused(13)
        tickers = call.params.tickers()
        if not tickers:
            raise _Refused(14)
        if call.params.action == "get_snapshot":
            self._first_frames(call, subscription, tickers, reply_to=call.id)
            return
        added: tuple[str, ...] = ()
        if call.params.action == "add_markets":
            added = _merge(subscription, call.params)
        elif subscription.tickers is not None:
            subscription.tickers.difference_update(tickers)
        shown = tuple(sorted(subscription.tickers or ()))
        body = None if subscription.silent_ack else _encode(TickersBody(market_tickers=shown))
        self._reply(call.client, "ok", body, subscription.numbers(call.id))
        self._first_frames(call, subscription, added)

    def _update_indices(self, call: _Call, subscription: Subscription) -> None:
        action, wanted = call.params.action, call.params.index_ids
        if action not in _INDEX_ACTIONS:
            raise _Refused(13)
        if action == "indexlist":
            known = tuple(dict.fromkeys(spec.index_id for spec in call.engine.all_series()))
            kind, shown = f"{subscription.channel}_indexlist", known
        else:
            if not wanted:
                raise _Refused(24)
            if action == "subscribe_indices":
                subscription.indices.update(wanted)
            elif ALL_INDICES in wanted:
                subscription.indices.clear()
            else:
                subscription.indices.difference_update(wanted)
            everything = ALL_INDICES in subscription.indices
            shown = (ALL_INDICES,) if everything else tuple(sorted(subscription.indices))
            kind = "ok"
        body = _encode(IndexIdsBody(index_ids=shown))
        self._reply(call.client, kind, body, subscription.numbers(call.id))

    # --- unsubscribe, list

    def _unsubscribe(self, call: _Call) -> None:
        sids = _sids(call.params)
        if not sids:
            raise _Refused(4)
        if not set(sids) <= set(call.client.subscriptions):
            raise _Refused(7)
        for sid in dict.fromkeys(sids):
            subscription = call.client.subscriptions.pop(sid)
            self._reply(call.client, "unsubscribed", None, subscription.numbers(call.id))
        self._roster.refresh()

    def _list(self, client: StreamClient, command_id: int) -> None:
        lines = [
            SubscriptionBody(channel=sub.channel, sid=sub.sid)
            for sub in client.subscriptions.values()
        ]
        self._reply(client, "ok", _encode(lines), Numbers(id=command_id))

    # --- replies

    def _error(self, client: StreamClient, command_id: int, code: int) -> None:
        body = _encode(StreamErrorBody(code=code, msg=_WORDS[code]))
        self._reply(client, "error", body, Numbers(id=command_id))

    def _reply(self, client: StreamClient, kind: str, body: bytes | None, numbers: Numbers) -> None:
        client.outbox.put(encode_frame(kind, body, numbers, self._publisher.sending_ms()))


def _sids(params: CommandParams) -> tuple[int, ...]:
    """Both ways to name subscriptions, as one."""
    return (params.sids or ()) + (() if params.sid is None else (params.sid,))


def _only(client: StreamClient, params: CommandParams) -> Subscription:
    """The one subscription that an update names."""
    sids = _sids(params)
    if len(sids) != 1:
        raise _Refused(12)
    subscription = client.subscriptions.get(sids[0])
    if subscription is None:
        raise _Refused(7)
    return subscription


def _begin(subscription: Subscription, params: CommandParams) -> tuple[str, ...]:
    """Set up a new subscription; the markets that it names."""
    subscription.yes_prices = bool(params.use_yes_price)
    filtered = subscription.channel not in WHOLE_EXCHANGE | INDEX_CHANNELS
    if filtered and params.tickers():
        subscription.tickers = set()
    return _merge(subscription, params)


def _merge(subscription: Subscription, params: CommandParams) -> tuple[str, ...]:
    """Add what a command asks for to a subscription; the markets that are new to it.

    A subscription to every market stays that, and naming none on one with a filter lifts it.
    """
    subscription.silent_ack = subscription.silent_ack or params.skip_ticker_ack
    if subscription.channel in INDEX_CHANNELS:
        subscription.indices.update(params.index_ids or ())
        return ()
    tickers = params.tickers()
    if not tickers:
        subscription.tickers = None
    if subscription.tickers is None:
        return ()
    added = tuple(t for t in dict.fromkeys(tickers) if t not in subscription.tickers)
    subscription.tickers.update(added)
    return added
