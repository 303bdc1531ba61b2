"""The market feed as keeper of books: what is counted, what casts doubt, how trust comes back."""

from __future__ import annotations

from core import messages as m
from core.exchange.records import Outcome
from core.units import Nanos, Quantity, seconds
from tests.builders import CLOSE, TICKER, terms
from tests.roles.feed_bench import NEXT, SID, Bench, next_terms, only


def two_books() -> Bench:
    """Both the running window and the next one on one subscription, shortly before the roll."""
    bench = Bench().running()
    bench.now = Nanos(CLOSE - seconds(60))
    bench.listed(next_terms())
    bench.snapshot(NEXT)
    return bench


def snapshots_asked(answers: object) -> list[tuple[str, ...]]:
    sent = only(m.SendCommand, answers)  # type: ignore[arg-type]
    return [command.tickers for command in sent if command.command == "get_snapshot"]


def test_control_replies_count_in_the_sequence() -> None:
    bench = two_books()
    bench.reply("ok", sid=SID, seq=bench.numbered(), command_id=4)
    bench.reply("other", sid=SID, seq=bench.numbered())
    (view,) = only(m.MarketView, bench.delta(4600, 50))
    assert view.book_fresh
    assert view.bids[0] == (4600, 350)


def test_deltas_of_markets_nobody_follows_count_too() -> None:
    bench = Bench().running()
    assert bench.delta(4600, 50, ticker="KXSOL15M-26NOV221000-00") == ()
    assert only(m.MarketView, bench.delta(4600, 50))


def test_a_gap_voids_every_book_of_the_subscription_and_asks_for_all() -> None:
    bench = two_books()
    bench.numbered()
    answers = bench.delta(1000, 5)
    assert snapshots_asked(answers) == [(TICKER, NEXT)]
    assert [view.book_fresh for view in only(m.MarketView, answers)] == [False]


def test_after_a_gap_each_book_is_trusted_from_its_own_snapshot_on() -> None:
    bench = two_books()
    bench.numbered()
    bench.delta(4600, 5)
    assert bench.delta(4600, 5) == (), "a void book shows nothing"
    bench.snapshot(NEXT)
    assert bench.delta(4600, 5) == (), "the snapshot of another market proves nothing"
    (view,) = only(m.MarketView, bench.snapshot(yes=((4100, 10),)))
    assert (view.book_fresh, view.bids) == (True, ((4100, 10),))
    (view,) = only(m.MarketView, bench.delta(4100, 7))
    assert view.bids == ((4100, 17),)


def test_a_gap_before_a_control_reply_is_a_gap() -> None:
    bench = Bench().running()
    bench.numbered()
    answers = bench.reply("ok", sid=SID, seq=bench.numbered())
    assert snapshots_asked(answers) == [(TICKER,)]


def test_a_gap_before_a_snapshot_voids_the_others_and_trusts_this_one() -> None:
    bench = two_books()
    bench.numbered()
    answers = bench.snapshot(NEXT)
    assert [view.book_fresh for view in only(m.MarketView, answers)] == [False]
    assert bench.delta(4600, 5) == ()


def test_a_repeated_or_late_message_is_not_applied_twice() -> None:
    bench = Bench().running()
    bench.delta(4600, 50)
    assert bench.delta(4600, 50, seq=bench.seq) == ()
    assert bench.delta(4600, 50, seq=1) == ()
    (view,) = only(m.MarketView, bench.delta(4500, 1))
    assert view.bids[0] == (4600, 350)


def test_the_first_message_of_a_subscription_must_be_its_first() -> None:
    bench = Bench()
    bench.begin()
    bench.listed(terms())
    bench.listed(next_terms())
    bench.confirm(bench.stream("open"))
    assert snapshots_asked(bench.delta(4600, 5, seq=2)) == [(TICKER,)]


def test_a_storm_of_gaps_asks_once_until_the_answer_is_due() -> None:
    bench = Bench(answer_due=seconds(5)).running()
    asked = 0
    for _ in range(20):
        bench.numbered()
        asked += len(snapshots_asked(bench.delta(1000, 5)))
    assert asked == 1
    assert len(snapshots_asked(bench.tick())) == 1, "what the storm held back"


def test_a_snapshot_that_does_not_come_is_asked_for_again_and_then_the_connection_given_up() -> (
    None
):
    bench = Bench(answer_due=seconds(5)).running()
    conn = bench.conn
    bench.numbered()
    bench.delta(1000, 5)
    again = bench.ticks(14)
    assert snapshots_asked(again) == [(TICKER,), (TICKER,)]
    assert not only(m.OpenStream, again)
    (opening,) = only(m.OpenStream, bench.tick())
    assert opening.conn == conn + 1


def test_the_book_of_a_closed_market_is_not_asked_for() -> None:
    bench = Bench().running()
    bench.now = Nanos(CLOSE - seconds(1))
    bench.delta(4600, -301)
    bench.now = CLOSE
    assert snapshots_asked(bench.ticks(20)) == []


def test_an_impossible_delta_voids_its_own_book_only() -> None:
    bench = two_books()
    answers = bench.delta(4600, -301)
    assert snapshots_asked(answers) == [(TICKER,)]
    assert [view.book_fresh for view in only(m.MarketView, answers)] == [False]
    bench.now = CLOSE
    (view,) = [v for v in only(m.MarketView, bench.tick()) if v.market.ticker == NEXT]
    assert view.book_fresh


def test_an_impossible_snapshot_is_asked_for_again() -> None:
    bench = Bench().running()
    crossed = bench.snapshot(yes=((6000, 10),), no=((5000, 10),))
    assert snapshots_asked(crossed) == [(TICKER,)]
    assert [view.book_fresh for view in only(m.MarketView, crossed)] == [False]


def test_a_book_that_is_crossed_between_two_deltas_is_not_shown() -> None:
    bench = Bench().running()
    assert bench.delta(4800, 100) == (), "locked at 0.48"
    (view,) = only(m.MarketView, bench.delta(5200, -200, leg=Outcome.NO))
    assert view.book_fresh
    assert (view.bids[0], view.asks[0]) == ((4800, 100), (4900, 500))


def test_a_book_that_stays_crossed_is_void() -> None:
    bench = Bench().running()
    bench.delta(4900, 100)
    bench.now = Nanos(bench.now + seconds(0.2))
    answers = bench.delta(1000, 1)
    assert snapshots_asked(answers) == [(TICKER,)]


def test_tickers_that_go_on_contradicting_void_the_book() -> None:
    bench = Bench().running()
    for _ in range(4):
        bench.now = Nanos(bench.now + seconds(2))
        assert bench.top(4700, 4900) == ()
    bench.now = Nanos(bench.now + seconds(2))
    answers = bench.top(4700, 4900)
    assert snapshots_asked(answers) == [(TICKER,)]
    assert [view.book_fresh for view in only(m.MarketView, answers)] == [False]


def test_many_tickers_within_one_match_prove_nothing() -> None:
    bench = Bench().running()
    bench.now = Nanos(bench.now + seconds(1))
    assert all(bench.top(4700, 4900) == () for _ in range(50))


def test_a_ticker_that_agrees_ends_the_doubt_and_confirms_the_book() -> None:
    bench = Bench().running()
    for _ in range(4):
        bench.now = Nanos(bench.now + seconds(2))
        bench.top(4700, 4900)
    bench.now = Nanos(bench.now + seconds(2))
    bench.top(4600, 4800)
    confirmed = bench.now
    bench.now = Nanos(bench.now + seconds(2))
    assert bench.top(4700, 4900) == ()
    (view,) = only(m.MarketView, bench.index(118.5))
    assert view.ts_book == confirmed


def test_a_ticker_older_than_the_book_says_nothing() -> None:
    bench = Bench().running()
    old = Nanos(bench.now - 1)
    for _ in range(20):
        old = Nanos(old - seconds(1))
        assert bench.top(4700, 4900, ts_event=old) == ()


def test_an_empty_side_of_a_ticker_is_an_empty_side_of_the_book() -> None:
    bench = Bench().running()
    bench.snapshot(no=())
    bench.now = Nanos(bench.now + seconds(2))
    confirmed = bench.now
    bench.top(4600, 0, ask_size=Quantity(0))
    (view,) = only(m.MarketView, bench.index(118.5))
    assert (view.asks, view.ts_book) == ((), confirmed)


def test_the_ticker_is_never_taken_for_a_book_where_snapshots_can_be_had() -> None:
    bench = Bench()
    bench.running()
    bench.stream("lost")
    assert bench.top(3000, 3100) == ()
