"""Drives a market feed as a host would: one message at a time, with the time it arrives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from core import messages as m
from core.domain.series import SeriesSource
from core.domain.windows import market_ticker
from core.exchange.records import Outcome
from core.roles.feed import MarketFeed
from core.roles.feed_terms import MARKET_STREAM, FeedTerms
from core.units import INDEX_DOLLAR, SECOND, IndexValue, Nanos, Price, Quantity, seconds
from tests.builders import CLOSE, NOW, TICKER, terms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.messages import Message

T = TypeVar("T")

SOURCE: Final = SeriesSource(series="KXSOL15M", index_id="SOLUSD_RTI", product="SOL-USD")
NEXT_CLOSE: Final = Nanos(CLOSE + seconds(900))
NEXT: Final = market_ticker("KXSOL15M", NEXT_CLOSE)
SID: Final = 7


def dollars(value: float) -> IndexValue:
    return IndexValue(round(value * INDEX_DOLLAR))


def next_terms(**changes: object) -> m.MarketTerms:
    """The window that opens when `terms()` closes; its strike is not known yet."""
    fields = {"ticker": NEXT, "open_ns": CLOSE, "close_ns": NEXT_CLOSE, "strike": None}
    return terms(**{**fields, **changes})


def only(kind: type[T], answers: Sequence[Message]) -> list[T]:
    return [answer for answer in answers if isinstance(answer, kind)]


class Bench:
    """A feed and its clock."""

    def __init__(self, **changes: object) -> None:
        self.terms = FeedTerms(sources=(SOURCE,), **changes)  # type: ignore[arg-type]
        self.feed = MarketFeed(self.terms)
        self.now = NOW
        self.conn = 0
        self.seq = 0

    def send(self, message: Message, now: Nanos | None = None) -> Sequence[Message]:
        """Deliver, and remember the connection that the feed asks for."""
        self.now = self.now if now is None else now
        answers = self.feed.handle(message, self.now)
        for opening in only(m.OpenStream, answers):
            self.conn = opening.conn
        return answers

    def begin(self) -> Sequence[Message]:
        return self.send(m.Begin(recovered=0))

    def tick(self, after: float = 1.0) -> Sequence[Message]:
        now = Nanos(self.now + seconds(after))
        return self.send(m.Tick(due=now), now)

    def ticks(self, count: int) -> list[Message]:
        return [answer for _ in range(count) for answer in self.tick()]

    def stream(self, state: m.StreamState, conn: int | None = None) -> Sequence[Message]:
        change = m.StreamChanged(
            stream=MARKET_STREAM,
            conn=self.conn if conn is None else conn,
            state=state,
            reason="test",
            ts_recv=self.now,
        )
        return self.send(change)

    def listed(self, market: m.MarketTerms) -> Sequence[Message]:
        return self.send(m.MarketListed(market=market, ts_recv=self.now))

    def reply(self, kind: str, **fields: object) -> Sequence[Message]:
        made: dict[str, object] = {
            "stream": MARKET_STREAM,
            "conn": self.conn,
            "sid": 0,
            "seq": 0,
            "kind": kind,
            "channel": "",
            "command_id": 0,
            "code": 0,
            "text": "",
            "ts_recv": self.now,
        }
        return self.send(m.StreamReply(**{**made, **fields}))  # type: ignore[arg-type]

    def numbered(self) -> int:
        self.seq += 1
        return self.seq

    def snapshot(
        self,
        ticker: str = TICKER,
        yes: Sequence[tuple[int, int]] = ((4600, 300), (4500, 500)),
        no: Sequence[tuple[int, int]] = ((5200, 200), (5100, 500)),
        **fields: object,
    ) -> Sequence[Message]:
        made: dict[str, object] = {
            "ticker": ticker,
            "conn": self.conn,
            "sid": SID,
            "ts_event": self.now,
            "ts_recv": self.now,
            "yes": tuple((Price(price), Quantity(size)) for price, size in yes),
            "no": tuple((Price(price), Quantity(size)) for price, size in no),
        }
        made.update(fields)
        seq = made.pop("seq", None) or self.numbered()
        return self.send(m.BookSnapshot(seq=seq, **made))  # type: ignore[arg-type]

    def delta(self, price: int, size: int, **fields: object) -> Sequence[Message]:
        """A change of the YES leg, unless `leg` says otherwise, numbered in sequence."""
        made: dict[str, object] = {
            "ticker": TICKER,
            "leg": Outcome.YES,
            "price": Price(price),
            "delta": Quantity(size),
            "conn": self.conn,
            "sid": SID,
            "ts_event": self.now,
            "ts_recv": self.now,
        }
        made.update(fields)
        seq = made.pop("seq", None) or self.numbered()
        return self.send(m.BookDelta(seq=seq, **made))  # type: ignore[arg-type]

    def top(self, bid: int, ask: int, **fields: object) -> Sequence[Message]:
        made: dict[str, object] = {
            "ticker": TICKER,
            "bid": Price(bid),
            "ask": Price(ask),
            "bid_size": Quantity(100),
            "ask_size": Quantity(100),
            "ts_event": self.now,
            "ts_recv": self.now,
        }
        return self.send(m.TopOfBook(**{**made, **fields}))  # type: ignore[arg-type]

    def index(self, value: float, stamp: Nanos | None = None) -> Sequence[Message]:
        """A print that arrives 50 ms after its stamp; without one, of the present second."""
        stamped = Nanos(self.now - self.now % SECOND) if stamp is None else stamp
        made = m.IndexPrint(
            index_id=SOURCE.index_id,
            value=dollars(value),
            ts_event=stamped,
            ts_recv=Nanos(stamped + seconds(0.05)),
        )
        return self.send(made, Nanos(max(self.now, made.ts_recv)))

    def composite(self, value: float, stamp: Nanos | None = None) -> Sequence[Message]:
        stamped = self.now if stamp is None else stamp
        made = m.CompositePrice(
            product=SOURCE.product,
            price=dollars(value),
            sources=("coinbase",),
            spread_bps=0.0,
            ts_event=stamped,
            ts_recv=stamped,
        )
        return self.send(made, Nanos(max(self.now, stamped)))

    def confirm(self, answers: Sequence[Message]) -> None:
        """Let the venue confirm every subscription asked for: books under `SID`, others above."""
        for command in only(m.SendCommand, answers):
            if command.command == "subscribe":
                (channel,) = command.channels
                sid = SID if channel == "orderbook_delta" else SID + command.command_id
                self.reply("subscribed", channel=channel, sid=sid, command_id=command.command_id)

    def running(self) -> Bench:
        """Connected and subscribed, with one market and its book."""
        self.begin()
        self.listed(terms())
        self.confirm(self.stream("open"))
        self.snapshot()
        return self


def tape() -> Bench:
    """A feed on a tape, with one market listed and nothing heard yet."""
    bench = Bench(commanded=False)
    bench.begin()
    bench.listed(terms())
    bench.conn = 1
    return bench
