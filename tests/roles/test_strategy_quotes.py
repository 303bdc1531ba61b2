"""A strategy whose order rests: keeps it, moves it, gives it up, knows it after a restart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from core import messages as m
from core.domain.fold import Fold
from core.exchange.records import Outcome, Side, TimeInForce
from core.roles.strategy import StrategyRole, StrategyTerms
from core.strategies import create
from core.units import INDEX_DOLLAR, SECOND, IndexValue, Nanos, Price, Quantity, seconds
from tests.builders import NOW, TICKER, approved, contracts, filled, request, view

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = "kelly_volatility"
GIVEN = {"style": "make", "max_behind": 0.5}
ASKS = ((Price(9_900), contracts(50)),)
BIDS = ((Price(4_000), contracts(300)),)


def at(after: float, **changes: object) -> m.MarketView:
    """A picture whose fair value of YES is about 0.64."""
    now = Nanos(NOW + round(after * SECOND))
    fresh = view(bids=BIDS, asks=ASKS, ts_book=now, ts_index=now, ts_recv=now)
    return replace(fresh, **changes)


class Bench:
    """The role, and its order as risk and execution tell of it."""

    def __init__(self, *, shown: bool = False, given: dict[str, object] | None = None) -> None:
        wanted = {**GIVEN, **(given or {})}
        self.desk = StrategyRole(create(NAME, wanted), StrategyTerms(own_shown=shown), wanted)

    def show(self, picture: m.MarketView) -> Sequence[m.Message]:
        return self.desk.handle(picture, picture.ts_recv)

    def hear(self, *events: m.Message) -> None:
        """As a host does with journalled events of others."""
        for event in events:
            self.desk.apply(event)
            assert not self.desk.handle(event, NOW)

    def rest(self, after: float = 0) -> m.Signal:
        """Let it want, and let its order rest."""
        (wish,) = self.show(at(after))
        assert isinstance(wish, m.Signal)
        assert wish.style == "make"
        self.hear(allowed(wish), taken())
        return wish


def allowed(wish: m.Signal, order_id: str = "t-1") -> m.OrderApproved:
    made = request(
        order_id, price=wish.price, time_in_force=TimeInForce.GTC, post_only=True, side=Side.BID
    )
    return replace(approved(order_id), request=made, strategy=NAME)


def taken(order_id: str = "t-1", remaining: float = 25) -> m.OrderAccepted:
    return m.OrderAccepted(
        order_id=order_id,
        venue_order_id="v-1",
        filled=Quantity(0),
        remaining=contracts(remaining),
        ts=NOW,
    )


def closed(reason: str = "canceled", after: float = 3) -> m.OrderClosed:
    ts = Nanos(NOW + round(after * SECOND))
    return m.OrderClosed(order_id="t-1", reason=reason, filled=Quantity(0), ts=ts)


def cheaper(after: float) -> m.MarketView:
    """The index has fallen: YES is worth less than it was."""
    return at(after, index=IndexValue(at(0).index - INDEX_DOLLAR // 20))


def test_what_is_still_wanted_is_kept_now_and_then() -> None:
    bench = Bench()
    bench.rest()
    (kept,) = bench.show(at(1))
    assert kept == m.KeepOrder(order_id="t-1", expires=Nanos(NOW + seconds(7)))
    assert not bench.show(at(1.9))
    assert bench.show(at(2))


def test_what_has_lost_its_edge_is_withdrawn_until_it_has_gone() -> None:
    bench = Bench()
    bench.rest()
    (left,) = bench.show(cheaper(1))
    assert isinstance(left, m.WithdrawOrder)
    assert (left.order_id, left.code, left.ticker) == ("t-1", "moved", TICKER)
    assert not bench.show(cheaper(1.5))
    assert bench.show(cheaper(2)), "the first may have come before the order rested"
    assert not bench.show(at(2.1)), "what is given up is not kept again"


def test_a_gate_that_shuts_is_told_and_ends_the_order() -> None:
    bench = Bench()
    bench.rest()
    late = at(545)
    passed, left = bench.show(late)
    assert isinstance(passed, m.Pass)
    assert isinstance(left, m.WithdrawOrder)
    assert passed.code == left.code == "too_late"


def test_a_picture_that_is_too_old_ends_the_order() -> None:
    bench = Bench()
    bench.rest()
    old = at(4, ts_index=NOW)
    left = bench.show(old)[-1]
    assert isinstance(left, m.WithdrawOrder)
    assert left.code == "index_stale"


def test_after_an_end_the_next_price_is_wanted_soon_and_after_a_fill_later() -> None:
    for reason, pause in (("canceled", 2), ("executed", 15)):
        bench = Bench()
        bench.rest()
        bench.hear(closed(reason, after=3))
        assert not bench.show(at(3 + pause - 0.1))
        (wish,) = bench.show(at(3 + pause))
        assert isinstance(wish, m.Signal)


def test_a_refused_order_is_no_order() -> None:
    bench = Bench()
    bench.rest()
    bench.hear(m.OrderRejected(order_id="t-1", code="post_only_cross", text="", ts=NOW))
    (wish,) = bench.show(at(2))
    assert isinstance(wish, m.Signal)


def test_an_older_word_of_an_order_that_ended_brings_nothing_back() -> None:
    bench = Bench()
    wish = bench.rest()
    bench.hear(closed(), allowed(wish), taken())
    (again,) = bench.show(at(10))
    assert isinstance(again, m.Signal)


def test_orders_of_others_are_none_of_its_own() -> None:
    bench = Bench()
    (wish,) = bench.show(at(0))
    assert isinstance(wish, m.Signal)
    other = replace(allowed(wish), strategy="mean_reversion")
    bench.hear(other, taken())
    assert not bench.show(at(1)), "it waits, as after any signal"
    bench.hear(closed())
    assert bench.desk.deaf_until(TICKER) == NOW + seconds(15)


@pytest.mark.parametrize("shown", [True, False])
def test_it_does_not_outbid_itself_where_the_book_shows_its_order(shown: bool) -> None:
    bench = Bench(shown=shown, given={"max_behind": 0.0})
    wish = bench.rest()
    ours = ((wish.price, contracts(25)),) if shown else ()
    (kept,) = bench.show(at(1, bids=(*ours, *BIDS)))
    assert isinstance(kept, m.KeepOrder)
    lower = replace(cheaper(2), bids=(*ours, *BIDS))
    (left,) = bench.show(lower)
    assert isinstance(left, m.WithdrawOrder)
    assert left.code == "moved", "not behind its own bid"


def test_of_the_book_only_what_is_still_its_own_is_taken_out() -> None:
    bench = Bench(shown=True, given={"max_behind": 0.0})
    wish = bench.rest()
    part = filled("f1", quantity=contracts(20), price=wish.price)
    bench.hear(part, part)
    others = ((Price(wish.price), contracts(25)), *BIDS)
    (kept,) = bench.show(at(1, bids=others))
    assert isinstance(kept, m.KeepOrder)
    quote = bench.desk._quotes.of(TICKER)
    assert quote is not None
    seen = bench.desk._quotes.without(at(1, bids=others), quote)
    assert seen.bids[0] == (wish.price, contracts(20))
    assert seen.own is not None
    assert (seen.own.outcome, seen.own.quantity) == (Outcome.YES, contracts(5))


def test_switched_off_it_gives_up_what_rests() -> None:
    bench = Bench()
    bench.rest()
    off = m.EnableStrategy(strategy=NAME, enabled=False, command_id="c", by="t", reason="t")
    left = [one for one in bench.desk.handle(off, NOW) if isinstance(one, m.WithdrawOrder)]
    assert [(one.order_id, one.code) for one in left] == [("t-1", "disabled")]


def test_told_to_take_it_gives_up_what_rests() -> None:
    bench = Bench()
    bench.rest()
    bench.hear(
        m.StrategySet(
            strategy=NAME, enabled=True, values=(("style", "take"),), by="t", reason="t", ts=NOW
        )
    )
    left = bench.show(at(1))[-1]
    assert isinstance(left, m.WithdrawOrder)


def test_while_an_order_rests_every_picture_is_looked_at() -> None:
    bench = Bench()
    bench.rest()
    assert bench.desk.deaf_until(TICKER) == 0


def test_after_a_restart_it_knows_its_orders_from_the_journal_and_from_its_fold() -> None:
    before = Bench()
    wish = before.rest()
    again = Bench()
    again.hear(allowed(wish), taken())
    fold = Fold()
    for event in (allowed(wish), m.OrderSubmitting(order_id="t-1", ts=NOW), taken()):
        fold.apply(event)
    folded = Bench()
    folded.desk.apply(fold.state(3, NOW))
    for bench in (again, folded):
        (kept,) = bench.show(at(1))
        assert isinstance(kept, m.KeepOrder)
        assert kept.order_id == "t-1"
