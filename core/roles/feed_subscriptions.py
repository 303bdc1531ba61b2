"""What the feed has subscribed on this connection, and how far it has counted (kalshi.md 4.2-4.4).

One channel per command, so that a refusal names its channel. Only subscriptions to books are
counted: a gap in one voids every book on it. Other channels carry no number as far as here, or
nothing that a later message or question would not repeat.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from core.messages import SendCommand
from core.units import Nanos

if TYPE_CHECKING:
    from collections.abc import Iterable

    from core.messages import Message, StreamReply
    from core.roles.feed_terms import FeedTerms

BOOKS: Final = "orderbook_delta"
_MARKET_CHANNELS: Final = (BOOKS, "ticker", "trade")
"""Never subscribed without tickers: they would send the whole exchange."""
_OWN_CHANNELS: Final = ("fill", "user_orders", "market_positions")
_LIFECYCLE: Final = "market_lifecycle_v2"
_ENDING: Final = frozenset({7, 10, 25})
"""Unknown sid, channel error, buffer overflow: the subscription is gone and must be made anew."""
_MAX_DOUBLINGS: Final = 6


class Subscription:
    """One channel of the present connection."""

    __slots__ = ("channel", "command_id", "due", "fixed", "sid", "tickers", "tries")

    def __init__(self, channel: str, fixed: tuple[str, ...] | None) -> None:
        self.channel = channel
        self.fixed = fixed
        """What to subscribe: index ids, or nothing; None where it follows the markets."""
        self.reset()

    def reset(self) -> None:
        """Not subscribed, and free to be so at once."""
        self.sid = 0
        self.tickers: tuple[str, ...] = ()
        self.due = Nanos(0)
        """No command before this."""
        self.tries = 0
        """Subscribe commands since it last stood."""
        self.command_id = 0


class Subscriptions:
    """All channels of one stream. Belongs to the feed role."""

    def __init__(self, terms: FeedTerms) -> None:
        self._terms = terms
        self._conn = 0
        self._commands = 0
        self._open = False
        self.sequences: dict[int, int] = {}
        """Subscription of books -> number of its last message. Read on the hot path."""
        self.gaps = 0
        index_ids = tuple(dict.fromkeys(source.index_id for source in terms.sources))
        fixed = (*(_OWN_CHANNELS if terms.private else ()), _LIFECYCLE)
        self._channels = {
            **{channel: Subscription(channel, None) for channel in _MARKET_CHANNELS},
            **{channel: Subscription(channel, ()) for channel in fixed},
            terms.index_channel: Subscription(terms.index_channel, index_ids),
        }

    def renew(self, conn: int, *, is_open: bool) -> None:
        """Another connection, or none: nothing is subscribed, nothing counted."""
        self._conn = conn
        self._open = is_open
        self.sequences.clear()
        for subscription in self._channels.values():
            subscription.reset()

    # --- commands ------------------------------------------------------------------------------

    def follow(self, wanted: tuple[str, ...], now: Nanos) -> list[Message]:
        """Commands that bring the subscriptions to the markets `wanted`."""
        if not self._open:
            return []
        out: list[Message] = []
        for subscription in self._channels.values():
            if now < subscription.due:
                continue
            if not subscription.sid:
                out += self._subscribe(subscription, wanted, now)
            elif subscription.fixed is None:
                out += self._update(subscription, wanted)
        return out

    def _subscribe(
        self, subscription: Subscription, wanted: tuple[str, ...], now: Nanos
    ) -> list[Message]:
        tickers = wanted if subscription.fixed is None else subscription.fixed
        if subscription.fixed is None and not wanted:
            return []
        doublings = min(subscription.tries, _MAX_DOUBLINGS)
        subscription.due = Nanos(now + (self._terms.answer_due << doublings))
        subscription.tries += 1
        subscription.tickers = tickers
        return [self._command("subscribe", subscription, tickers)]

    def _update(self, subscription: Subscription, wanted: tuple[str, ...]) -> list[Message]:
        """Add first, then take away, and never the last one: an empty filter is not defined."""
        have = subscription.tickers
        if have == wanted or not wanted:
            return []
        less = tuple(ticker for ticker in have if ticker not in wanted)
        more = tuple(ticker for ticker in wanted if ticker not in have)
        subscription.tickers = wanted
        added = [self._command("add_markets", subscription, more)] if more else []
        if not less:
            return [*added]
        return [*added, self._command("delete_markets", subscription, less, remember=not more)]

    def snapshots(self, tickers: Iterable[str]) -> list[Message]:
        """Ask for new snapshots of those that are subscribed."""
        asked = tuple(ticker for ticker in tickers if ticker in self._channels[BOOKS].tickers)
        if not asked or not self.follows_books:
            return []
        return [self._command("get_snapshot", self._channels[BOOKS], asked, remember=False)]

    @property
    def follows_books(self) -> bool:
        """A subscription of books stands, so a missing snapshot can be asked for."""
        return self._channels[BOOKS].sid > 0

    def _command(
        self,
        command: str,
        subscription: Subscription,
        tickers: tuple[str, ...],
        *,
        remember: bool = True,
    ) -> SendCommand:
        self._commands += 1
        if remember:
            subscription.command_id = self._commands
        return SendCommand(
            stream=self._terms.stream,
            conn=self._conn,
            command=command,
            channels=() if subscription.sid else (subscription.channel,),
            tickers=tickers,
            sid=subscription.sid,
            command_id=self._commands,
        )

    # --- replies and sequences -----------------------------------------------------------------

    def take(self, sid: int, seq: int) -> Literal["next", "gap", "old"]:
        """Count a message of a subscription of books; `seq` 0 is not counted (some tapes)."""
        last = self.sequences.get(sid)
        if seq == 0:
            return "next"
        if last is None or seq == last + 1:
            self.sequences[sid] = seq
            return "next"
        if seq <= last:
            return "old"
        self.sequences[sid] = seq
        self.gaps += 1
        return "gap"

    def replied(self, reply: StreamReply, now: Nanos) -> bool:
        """Take a control reply; whether it ended the subscription of books."""
        match reply.kind:
            case "subscribed":
                self._stands(self._channels.get(reply.channel), reply.sid)
            case "ok":
                # some answer a subscription that joins a standing one like this
                self._stands(self._by_command(reply.command_id), reply.sid)
            case "error":
                return self._failed(reply, now)
            case "unsubscribed":
                return self._ended(self._by_sid(reply.sid))
            case _:
                pass
        return False

    def _stands(self, subscription: Subscription | None, sid: int) -> None:
        if subscription is None or subscription.sid or not sid:
            return
        subscription.sid = sid
        if subscription.channel == BOOKS and subscription.tries == 1:
            # The first message of a fresh subscription is number 1. Under a renewed one the
            # venue may go on counting: the first number seen is then as good as any, because
            # no book is valid before its snapshot.
            self.sequences.setdefault(sid, 0)
        subscription.tries = 0
        subscription.due = Nanos(0)

    def _failed(self, reply: StreamReply, now: Nanos) -> bool:
        """An ended subscription is made anew at once; a refused addition when it is due."""
        subscription = self._by_sid(reply.sid) or self._by_command(reply.command_id)
        if subscription is None:
            return False
        if reply.code in _ENDING:
            return self._ended(subscription)
        if subscription.sid and subscription.command_id == reply.command_id:
            subscription.tickers = ()
            subscription.due = Nanos(now + self._terms.answer_due)
        return False

    def _ended(self, subscription: Subscription | None) -> bool:
        if subscription is None:
            return False
        self.sequences.pop(subscription.sid, None)
        tries = max(subscription.tries, 1)
        subscription.reset()
        subscription.tries = tries
        return subscription.channel == BOOKS

    def _by_sid(self, sid: int) -> Subscription | None:
        return next((s for s in self._channels.values() if sid and s.sid == sid), None)

    def _by_command(self, command_id: int) -> Subscription | None:
        found = (s for s in self._channels.values() if s.command_id == command_id)
        return next(found, None) if command_id else None
