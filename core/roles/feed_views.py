"""The picture of one market that strategies get, and when it is due."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.messages import MarketView
from core.units import IndexValue

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from core.messages import Message
    from core.roles.feed_index import SeriesIndex
    from core.roles.feed_market import MarketRecord
    from core.units import Nanos


class Views:
    """Pictures of the markets that run. Belongs to the feed role."""

    def __init__(self, indices: Mapping[str, SeriesIndex]) -> None:
        self._indices = indices
        self.seen: set[str] | None = None
        """Where somebody plays a recording: markets that were shown since they emptied this."""

    def show(
        self, record: MarketRecord, ts_event: Nanos, ts_recv: Nanos, now: Nanos
    ) -> Sequence[Message]:
        """A view of a market that runs; of one that has just closed a last one; else nothing.

        Hot: 1.6 us with a view, once per change that a strategy can see.
        """
        if now >= record.edge:
            was_trading = record.trading
            record.advance(now)
            if not (was_trading or record.trading):
                return ()
        elif not record.trading:
            return ()
        if self.seen is not None:
            self.seen.add(record.terms.ticker)
        return (build_view(record, self._indices[record.terms.series], ts_event, ts_recv),)

    def show_all(
        self, records: Iterable[MarketRecord], ts_event: Nanos, ts_recv: Nanos, now: Nanos
    ) -> list[Message]:
        """`show` for several."""
        return [view for r in records for view in self.show(r, ts_event, ts_recv, now)]


def build_view(
    record: MarketRecord, index: SeriesIndex, ts_event: Nanos, ts_recv: Nanos
) -> MarketView:
    """Everything known of a market now.

    `known` are prints of the settlement index. Only where not one of them came in this final
    minute and the index itself is a stand-in (`proxy`), they are stand-ins too.
    """
    prints = record.prints
    known_sum = prints.known_sum
    if index.proxy and not prints.known:
        prints = record.proxies
        known_sum = IndexValue(round(prints.known_sum * index.scale))
    return MarketView(
        market=record.terms,
        bids=record.bids,
        asks=record.asks,
        book_fresh=record.valid and record.trading,
        index=index.value,
        proxy=index.proxy,
        index_error=index.error,
        known=prints.known,
        known_sum=known_sum,
        sigma=index.sigma,
        warm=index.warm,
        warm_in_s=index.warm_in_s,
        regime=index.regime,
        credits=index.credits,
        ts_book=record.ts_book,
        ts_index=index.ts,
        ts_event=ts_event,
        ts_recv=ts_recv,
    )
