"""Replies to commands. Those with a `seq` count in the sequence of their `sid`."""

from __future__ import annotations

import msgspec

from core.exchange.wire.market_frames import Body, Frame


class SubscribedBody(Body, frozen=True, kw_only=True):
    """The channel and the number under which its frames come."""

    channel: str
    sid: int


class Subscribed(Frame, frozen=True, kw_only=True, tag="subscribed"):
    """One per channel asked for; not sequenced."""

    msg: SubscribedBody


class Ok(Frame, frozen=True, kw_only=True, tag="ok"):
    """A command was done; `msg` depends on it."""

    msg: msgspec.Raw = msgspec.Raw(b"null")


class Unsubscribed(Frame, frozen=True, kw_only=True, tag="unsubscribed"):
    """The last frame of a `sid`."""


class IndexIdsBody(Body, frozen=True, kw_only=True):
    """Index ids: those to be had, or those of a subscription after a change."""

    index_ids: tuple[str, ...]


class IndexList(Frame, frozen=True, kw_only=True, tag="cfbenchmarks_value_indexlist"):
    """The indices to be had at 1 Hz."""

    msg: IndexIdsBody


class FastIndexList(Frame, frozen=True, kw_only=True, tag="cfbenchmarks_value_5hz_indexlist"):
    """The indices to be had at 5 Hz."""

    msg: IndexIdsBody


class StreamErrorBody(Body, frozen=True, kw_only=True):
    """A refusal; codes in kalshi.md 4.3. 10 and 25 end the subscription."""

    code: int
    msg: str = ""
    market_ticker: str = ""
    market_tickers: tuple[str, ...] = ()


class StreamError(Frame, frozen=True, kw_only=True, tag="error"):
    """A command was refused, or, with a `sid`, a subscription ended."""

    msg: StreamErrorBody


class SubscriptionBody(Body, frozen=True, kw_only=True):
    """One line of the answer to `list_subscriptions`."""

    channel: str
    sid: int


class TickersBody(Body, frozen=True, kw_only=True):
    """The markets of a subscription after a change."""

    market_tickers: tuple[str, ...]
