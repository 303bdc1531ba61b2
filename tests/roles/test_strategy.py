"""The role of a strategy: fresh pictures, not too often, and a pass when it says something new."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from core import messages as m
from core.roles.strategy import StrategyRole, StrategyTerms
from core.strategies import StrategyParams
from core.units import Nanos, seconds
from tests.builders import NOW, signal, terms, view

if TYPE_CHECKING:
    from collections.abc import Sequence

OTHER = "KXSOL15M-26NOV221030-30"


class Eager:
    """A strategy of a user: always wants, or passes while the book is thin."""

    name: ClassVar[str] = "eager"
    Params = StrategyParams

    def evaluate(self, view: m.MarketView, now: Nanos) -> m.Signal | m.Pass:
        """Want, or say why not."""
        ticker = view.market.ticker
        if not view.asks:
            return m.Pass(strategy=self.name, ticker=ticker, code="thin", values=(), created=now)
        return signal(strategy=self.name, ticker=ticker, signal_id="", expires=Nanos(0))


def role() -> StrategyRole:
    return StrategyRole(Eager(), StrategyTerms())


def at(after: float, **changes: object) -> m.MarketView:
    now = Nanos(NOW + seconds(after))
    return view(ts_book=now, ts_index=now, ts_recv=now, **changes)


def told(desk: StrategyRole, picture: m.MarketView) -> Sequence[m.Message]:
    return desk.handle(picture, picture.ts_recv)


def test_a_signal_gets_a_derived_id_and_a_short_life() -> None:
    (wish,) = told(role(), at(0))
    assert isinstance(wish, m.Signal)
    assert wish.signal_id == f"eager:{wish.ticker}:{NOW}"
    assert wish.expires == NOW + seconds(2)


def test_after_a_signal_the_market_is_left_alone_for_a_while() -> None:
    desk = role()
    told(desk, at(0))
    assert told(desk, at(14.9)) == []
    assert told(desk, at(15))


def test_other_markets_are_not_left_alone() -> None:
    desk = role()
    told(desk, at(0))
    assert told(desk, at(0, market=terms(ticker=OTHER)))


def test_a_stale_picture_is_not_judged_and_the_older_input_is_named() -> None:
    old = view(ts_index=Nanos(NOW - seconds(3.1)))
    (refusal,) = role().handle(old, NOW)
    assert isinstance(refusal, m.Pass)
    assert refusal.code == "index_stale"
    assert refusal.values == (("age_s", 3.1),)


def test_a_book_that_waits_for_its_snapshot_is_not_judged() -> None:
    (refusal,) = role().handle(view(book_fresh=False), NOW)
    assert isinstance(refusal, m.Pass)
    assert refusal.code == "book_stale"


def test_the_same_pass_is_told_again_only_after_a_second() -> None:
    desk = role()
    assert told(desk, at(0, asks=()))
    assert told(desk, at(0.9, asks=())) == []
    assert told(desk, at(1.0, asks=()))


def test_another_pass_is_told_at_once() -> None:
    desk = role()
    told(desk, at(0, asks=()))
    (refusal,) = told(desk, at(0.1, book_fresh=False))
    assert isinstance(refusal, m.Pass)


def test_a_strategy_that_is_switched_off_says_nothing() -> None:
    desk = role()
    desk.handle(m.EnableStrategy(strategy="eager", enabled=False, by="ann"), NOW)
    assert told(desk, at(0)) == []
    desk.handle(m.EnableStrategy(strategy="eager", enabled=True, by="ann"), NOW)
    assert told(desk, at(0))


def test_switching_another_strategy_is_none_of_its_business() -> None:
    desk = role()
    desk.handle(m.EnableStrategy(strategy="other", enabled=False, by="ann"), NOW)
    assert told(desk, at(0))
