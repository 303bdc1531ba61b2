"""When the market feed shows a picture, and what is in it."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from core import messages as m
from core.domain.scorekeeper import Scorekeeper
from core.exchange.listing import MarketStatus
from core.exchange.records import Outcome
from core.units import SECOND, Nanos, seconds
from tests.builders import CLOSE, OPEN, TICKER, terms
from tests.roles.feed_bench import NEXT, Bench, dollars, next_terms, only

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.messages import Message

LADDER = tuple((4600 - 100 * i, 100) for i in range(10))
NO_LADDER = tuple((5200 - 100 * i, 100) for i in range(10))


def view_of(answers: Sequence[Message]) -> m.MarketView:
    (view,) = only(m.MarketView, answers)
    return view


def deep() -> Bench:
    bench = Bench().running()
    bench.snapshot(yes=LADDER, no=NO_LADDER)
    return bench


def test_a_view_carries_the_credits_that_were_told_last() -> None:
    bench = deep()
    told = ((1.0, 0.0, 0.0, 0.0, 0.0),) * 3
    standing = msgspec.structs.replace(Scorekeeper().standing("KXSOL15M"), credits=told)
    board = m.ScoreboardTold(series=(standing,), verdict=Scorekeeper().verdict(), ts=bench.now)

    assert bench.send(board) == ()
    assert view_of(bench.delta(4200, 500)).credits == told


def test_a_delta_below_the_levels_shown_says_nothing() -> None:
    bench = deep()
    assert bench.delta(4100, 500) == ()
    assert bench.delta(4700, 500, leg=Outcome.NO) == ()
    assert bench.delta(4100, -600) == ()


def test_a_delta_within_the_levels_shown_makes_a_view() -> None:
    bench = deep()
    view = view_of(bench.delta(4200, 500))
    assert view.bids == ((4600, 100), (4500, 100), (4400, 100), (4300, 100), (4200, 600))
    view = view_of(bench.delta(4800, 500, leg=Outcome.NO))
    assert view.asks[-1] == (5200, 600)
    view = view_of(bench.delta(4600, -100))
    assert view.bids[-1] == (4100, 100)


def test_the_views_of_a_book_are_those_of_a_plain_ladder_and_come_when_it_changes() -> None:
    @given(
        st.lists(
            st.tuples(st.booleans(), st.integers(1, 12), st.integers(-3, 3).filter(bool)),
            max_size=60,
        )
    )
    def check(changes: list[tuple[bool, int, int]]) -> None:
        bench = Bench(depth=3).running()
        bench.snapshot(yes=(), no=())
        plain: dict[bool, dict[int, int]] = {True: defaultdict(int), False: defaultdict(int)}
        shown: tuple[object, object] = ((), ())
        for is_yes, step, size in changes:
            price = 100 * step if is_yes else 10_000 - 1300 - 100 * step
            side = plain[is_yes]
            if side[price] + size < 0:
                continue
            side[price] += size
            answers = bench.delta(price, size, leg=Outcome.YES if is_yes else Outcome.NO)
            bids = sorted(((p, s) for p, s in plain[True].items() if s), reverse=True)
            asks = sorted((10_000 - p, s) for p, s in plain[False].items() if s)
            expected = (tuple(bids[:3]), tuple(asks[:3]))
            if expected == shown:
                assert answers == ()
            else:
                view = view_of(answers)
                assert (view.bids, view.asks) == expected
            shown = expected

    check()


def test_every_print_of_the_index_makes_a_view_of_the_window_that_runs() -> None:
    bench = Bench().running()
    view = view_of(bench.index(118.5))
    assert (view.index, view.proxy, view.market.ticker) == (dollars(118.5), False, TICKER)
    assert view.ts_event == view.ts_index
    assert view.ts_recv == view.ts_index + seconds(0.05)
    assert bench.index(118.6, stamp=view.ts_index) == [], "a stamp that does not grow"


def test_nothing_is_shown_of_a_window_before_it_opens() -> None:
    bench = Bench()
    bench.now = Nanos(OPEN - seconds(30))
    bench.running()
    assert not only(m.MarketView, bench.delta(4600, 10))
    assert not only(m.MarketView, bench.index(118.5))
    bench.now = Nanos(OPEN - seconds(1))
    view = view_of(bench.tick())
    assert (view.market.status, view.book_fresh) == (MarketStatus.ACTIVE, True)


def test_a_window_rolls_into_the_next_on_the_clock_alone() -> None:
    bench = Bench().running()
    bench.now = Nanos(CLOSE - seconds(60.5))
    bench.listed(next_terms())
    bench.snapshot(NEXT, yes=((5000, 10),), no=((4900, 10),))
    minute = view_of(bench.tick(0.5))
    assert (minute.market.ticker, minute.ts_event) == (TICKER, CLOSE - seconds(60))
    bench.now = Nanos(CLOSE - seconds(1))
    last, first = only(m.MarketView, bench.tick())
    assert (last.market.ticker, last.market.status) == (TICKER, MarketStatus.CLOSED)
    assert not last.book_fresh, "nobody trades there any more"
    assert (first.market.ticker, first.market.status) == (NEXT, MarketStatus.ACTIVE)
    assert first.market.strike is None, "nobody but the exchange gives a strike"
    assert (first.known, first.known_sum) == (0, 0)
    assert bench.delta(4600, 10) == (), "of the old window nothing more"


def test_a_change_after_the_close_is_noticed_before_the_tick() -> None:
    bench = Bench().running()
    bench.now = CLOSE
    view = view_of(bench.delta(4600, 10))
    assert (view.market.status, view.book_fresh) == (MarketStatus.CLOSED, False)
    assert not only(m.MarketView, bench.tick())


def test_the_final_minute_counts_its_sixty_prints_and_no_other() -> None:
    bench = Bench().running()
    bench.listed(next_terms())
    bench.now = Nanos(CLOSE - seconds(63))
    for second in range(63):
        stamp = Nanos(CLOSE - seconds(63 - second))
        view = view_of(bench.index(100 + second, stamp=stamp))
        assert view.known == max(0, second - 2)
    assert view.known_sum == sum(dollars(100 + second) for second in range(3, 63))
    bench.now = CLOSE
    view = next(v for v in only(m.MarketView, bench.index(200)) if v.market.ticker == NEXT)
    assert (view.known, view.known_sum) == (0, 0)


def test_a_print_that_comes_after_the_close_counts_for_the_window_of_its_stamp() -> None:
    bench = Bench().running()
    bench.now = Nanos(CLOSE + seconds(0.2))
    answers = bench.index(118, stamp=Nanos(CLOSE - seconds(1)))
    assert [view.known for view in only(m.MarketView, answers)] == [1]


def test_prints_off_the_second_move_the_index_and_decide_nothing() -> None:
    bench = Bench().running()
    view = view_of(bench.index(118.5, stamp=Nanos(CLOSE - seconds(30) + SECOND // 5)))
    assert (view.index, view.known) == (dollars(118.5), 0)


def test_a_strike_is_shown_when_it_is_published_and_not_taken_back_by_a_late_listing() -> None:
    bench = Bench()
    bench.begin()
    bench.listed(terms(strike=None))
    struck = m.StrikePublished(
        ticker=TICKER, strike=dollars(118.5), ts_event=bench.now, ts_recv=bench.now
    )
    assert view_of(bench.send(struck)).market.strike == dollars(118.5)
    assert bench.send(struck) == ()
    assert bench.listed(terms(strike=None)) == ()
    assert view_of(bench.listed(terms(strike=dollars(119)))).market.strike == dollars(119)


def test_a_pause_is_shown_and_a_listing_that_lags_does_not_end_it() -> None:
    bench = Bench(listing_lag=seconds(15)).running()

    def told(status: MarketStatus) -> Sequence[Message]:
        change = m.MarketStatusChanged(
            ticker=TICKER, status=status, ts_event=bench.now, ts_recv=bench.now
        )
        return bench.send(change)

    assert view_of(told(MarketStatus.INACTIVE)).market.status is MarketStatus.INACTIVE
    assert bench.listed(terms(status=MarketStatus.ACTIVE)) == ()
    assert view_of(told(MarketStatus.ACTIVE)).market.status is MarketStatus.ACTIVE
    told(MarketStatus.INACTIVE)
    bench.ticks(16)
    view = view_of(bench.listed(terms(status=MarketStatus.ACTIVE)))
    assert view.market.status is MarketStatus.ACTIVE, "the stream may have missed the resumption"


def test_a_listing_that_still_says_initialized_does_not_hide_an_open_window() -> None:
    bench = Bench()
    bench.begin()
    view = view_of(bench.listed(terms(status=MarketStatus.INITIALIZED)))
    assert view.market.status is MarketStatus.ACTIVE


def test_a_determined_market_is_over_even_if_the_clock_here_is_late() -> None:
    bench = Bench().running()
    result = m.MarketDetermined(
        ticker=TICKER, result=Outcome.YES, value=None, ts_event=bench.now, ts_recv=bench.now
    )
    assert view_of(bench.send(result)).market.status is MarketStatus.DETERMINED


def test_markets_long_closed_are_forgotten_and_not_taken_again() -> None:
    bench = Bench(linger=seconds(30)).running()
    bench.now = Nanos(CLOSE + seconds(30))
    bench.tick()
    assert bench.listed(terms()) == ()
    assert bench.delta(4600, 10) == ()


def test_the_composite_price_stands_in_while_the_index_is_silent() -> None:
    bench = Bench(index_fresh=seconds(3)).running()
    bench.index(118.5)
    assert bench.composite(118.7, stamp=Nanos(bench.now + seconds(1))) == [], "the index is fresh"
    silent = bench.ticks(4)
    (proxied,) = only(m.MarketView, silent)
    assert (proxied.index, proxied.proxy) == (dollars(118.7), True)
    back = view_of(bench.index(118.6))
    assert (back.index, back.proxy) == (dollars(118.6), False)


def test_a_composite_older_than_the_silent_index_is_no_stand_in() -> None:
    bench = Bench(index_fresh=seconds(3)).running()
    bench.composite(118.7)
    bench.now = Nanos(bench.now + seconds(2))
    bench.index(118.5)
    assert not only(m.MarketView, bench.ticks(10))


def test_stand_ins_count_for_prints_only_where_no_print_came() -> None:
    bench = Bench(index_fresh=seconds(3)).running()
    for second in range(61):
        bench.composite(100 + second, stamp=Nanos(CLOSE - seconds(60.5 - second)))
    view = view_of(bench.composite(300, stamp=Nanos(CLOSE - seconds(0.25))))
    assert (view.proxy, view.known) == (True, 60)
    assert view.known_sum == sum(dollars(100 + second) for second in range(60))

    heard = Bench(index_fresh=seconds(3)).running()
    heard.index(118, stamp=Nanos(CLOSE - seconds(60)))
    for second in range(1, 30):
        answers = heard.composite(100 + second, stamp=Nanos(CLOSE - seconds(60.5 - second)))
    view = view_of(answers)
    assert (view.proxy, view.known, view.known_sum) == (True, 1, dollars(118))


def test_a_silent_composite_leaves_holes_and_does_not_pretend() -> None:
    bench = Bench().running()
    bench.composite(100, stamp=Nanos(CLOSE - seconds(60)))
    view = view_of(bench.composite(101, stamp=Nanos(CLOSE - seconds(20))))
    assert view.known == 10


def test_volatility_is_that_of_what_is_shown_and_warms_up() -> None:
    bench = Bench().running()
    for second in range(400):
        value = 118.5 + 0.01 * (second % 7)
        view = view_of(bench.index(value, stamp=Nanos(OPEN + seconds(second))))
        assert view.warm is (view.warm_in_s == 0.0)
        assert view.warm_in_s == max(0, 300 - second)
    assert view.warm
    assert view.regime == "normal"
    assert 0 < view.sigma < 0.001
