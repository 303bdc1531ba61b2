"""The market feed as owner of a connection: opening, losing, subscribing, following windows."""

from __future__ import annotations

from core import messages as m
from core.units import Nanos, seconds
from tests.builders import CLOSE, TICKER, terms
from tests.roles.feed_bench import NEXT, SID, SOURCE, Bench, next_terms, only

MARKET_CHANNELS = ("orderbook_delta", "ticker", "trade")


def commands(answers: object) -> list[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    sent = only(m.SendCommand, answers)  # type: ignore[arg-type]
    return [(command.command, command.channels, command.tickers) for command in sent]


def test_begins_with_a_connection_and_a_question_for_the_markets() -> None:
    bench = Bench()
    opening, question = bench.begin()
    assert isinstance(opening, m.OpenStream)
    assert opening.delay == 0
    assert question == m.QueryMarkets(series="KXSOL15M")


def test_a_later_life_numbers_its_connections_above_those_of_an_earlier_one() -> None:
    first, second = Bench(), Bench()
    first.begin()
    for _ in range(5):
        first.stream("lost")
    second.now = Nanos(first.now + seconds(60))
    second.begin()
    assert second.conn > first.conn


def test_an_open_connection_is_subscribed_one_channel_a_command() -> None:
    bench = Bench()
    bench.begin()
    bench.listed(terms())
    sent = only(m.SendCommand, bench.stream("open"))
    assert all(command.command == "subscribe" for command in sent)
    assert {command.channels: command.tickers for command in sent} == {
        ("orderbook_delta",): (TICKER,),
        ("ticker",): (TICKER,),
        ("trade",): (TICKER,),
        ("fill",): (),
        ("user_orders",): (),
        ("market_positions",): (),
        ("market_lifecycle_v2",): (),
        ("cfbenchmarks_value",): (SOURCE.index_id,),
    }
    assert len({command.command_id for command in sent}) == len(sent)
    assert all(command.conn == bench.conn for command in sent)


def test_market_channels_are_never_subscribed_without_markets() -> None:
    bench = Bench()
    bench.begin()
    asked = {channels for _, channels, _ in commands(bench.stream("open"))}
    assert not asked & {(channel,) for channel in MARKET_CHANNELS}
    listed = bench.listed(terms())
    assert commands(listed) == [("subscribe", (c,), (TICKER,)) for c in MARKET_CHANNELS]


def test_own_channels_are_left_alone_where_orders_go_elsewhere() -> None:
    bench = Bench(private=False)
    bench.begin()
    asked = {channels for _, channels, _ in commands(bench.stream("open"))}
    assert asked == {("market_lifecycle_v2",), ("cfbenchmarks_value",)}


def test_a_lost_connection_is_followed_by_another_after_a_bounded_doubling_pause() -> None:
    bench = Bench(first_delay=seconds(1), longest_delay=seconds(8))
    bench.begin()
    pauses, conns = [], []
    for _ in range(200):
        (opening,) = only(m.OpenStream, bench.stream("lost"))
        pauses.append(opening.delay)
        conns.append(opening.conn)
    assert conns == list(range(conns[0], conns[0] + 200))
    assert all(0 <= pause <= seconds(min(8, 2**i)) for i, pause in enumerate(pauses))
    assert max(pauses) > seconds(7), "the pause grows to its bound"
    assert len(set(pauses)) > 100, "with jitter"


def test_equal_seeds_pause_alike_and_others_do_not() -> None:
    def pauses(seed: int) -> list[Nanos]:
        bench = Bench(seed=seed)
        bench.begin()
        return [only(m.OpenStream, bench.stream("lost"))[0].delay for _ in range(10)]

    assert pauses(1) == pauses(1)
    assert pauses(1) != pauses(2)


def test_a_connection_that_lasted_lets_the_pause_begin_small_again() -> None:
    bench = Bench(first_delay=seconds(1), longest_delay=seconds(60), steady_after=seconds(30))
    bench.begin()
    for _ in range(10):
        bench.stream("lost")
    bench.stream("open")
    bench.now = Nanos(bench.now + seconds(31))
    (opening,) = only(m.OpenStream, bench.stream("lost"))
    assert opening.delay <= seconds(1)


def test_news_of_an_older_connection_change_nothing() -> None:
    bench = Bench().running()
    assert bench.stream("lost", conn=bench.conn - 1) == []
    assert bench.delta(4600, 100, conn=bench.conn - 1, seq=99) == ()
    assert bench.reply("error", conn=bench.conn - 1, sid=SID, code=25) == ()


def test_losing_the_connection_is_seen_in_a_view_and_in_the_health() -> None:
    bench = Bench().running()
    lost = bench.stream("lost")
    assert [view.book_fresh for view in only(m.MarketView, lost)] == [False]
    (health,) = only(m.FeedHealth, bench.tick())
    assert (health.state, health.reconnects) == ("asked", 1)


def test_a_new_connection_is_subscribed_anew_and_its_snapshot_is_believed() -> None:
    bench = Bench().running()
    bench.stream("lost")
    bench.stream("connecting")
    opened = bench.stream("open")
    assert ("subscribe", ("orderbook_delta",), (TICKER,)) in commands(opened)
    assert m.QueryMarkets(series="KXSOL15M", past=True) in opened
    bench.seq = 0
    bench.reply("subscribed", channel="orderbook_delta", sid=1)
    (view,) = only(m.MarketView, bench.snapshot(sid=1, yes=((3000, 10),)))
    assert view.book_fresh
    assert view.bids == ((3000, 10),)


def test_a_connection_of_which_nothing_is_heard_is_asked_for_again() -> None:
    bench = Bench(connect_due=seconds(20))
    bench.begin()
    assert not only(m.OpenStream, bench.ticks(19))
    assert len(only(m.OpenStream, bench.ticks(2))) == 1


def test_an_unanswered_subscription_is_repeated_with_a_growing_pause() -> None:
    bench = Bench(answer_due=seconds(5))
    bench.begin()
    bench.stream("open")
    bench.reply("subscribed", channel="market_lifecycle_v2", sid=1)
    asked = []
    for second in range(1, 60):
        for _, channels, _ in commands(bench.tick()):
            if channels == ("cfbenchmarks_value",):
                asked.append(second)
    assert asked == [5, 15, 35]


def test_an_ok_counts_as_a_subscription_where_the_venue_answers_so() -> None:
    bench = Bench()
    bench.begin()
    bench.listed(terms())
    sent = {command.channels: command for command in only(m.SendCommand, bench.stream("open"))}
    books = sent[("orderbook_delta",)]
    bench.reply("ok", sid=SID, seq=1, command_id=books.command_id)
    asked = bench.ticks(30)
    assert ("subscribe", ("orderbook_delta",), (TICKER,)) not in commands(asked)
    assert ("get_snapshot", (), (TICKER,)) in commands(asked)


def test_channel_error_and_overflow_end_a_subscription_and_renew_it() -> None:
    for code in (10, 25):
        bench = Bench().running()
        answers = bench.reply("error", sid=SID, seq=bench.numbered(), code=code)
        assert [view.book_fresh for view in only(m.MarketView, answers)] == [False]
        assert commands(answers) == [("subscribe", ("orderbook_delta",), (TICKER,))]
        bench.reply("subscribed", channel="orderbook_delta", sid=SID)
        (view,) = only(m.MarketView, bench.snapshot(seq=40))
        assert view.book_fresh
        assert not only(m.SendCommand, bench.delta(4600, 100, seq=41)), "any first number will do"


def test_the_next_market_is_added_before_its_window_opens_and_the_old_one_leaves_later() -> None:
    bench = Bench(lead=seconds(120), linger=seconds(30)).running()
    bench.listed(next_terms())
    bench.now = Nanos(CLOSE - seconds(122))
    assert not commands(bench.tick())
    assert commands(bench.tick()) == [("add_markets", (), (NEXT,))] * len(MARKET_CHANNELS)
    bench.now = Nanos(CLOSE + seconds(28))
    bench.snapshot(NEXT)
    assert not commands(bench.tick())
    assert commands(bench.tick()) == [("delete_markets", (), (TICKER,))] * len(MARKET_CHANNELS)


def test_the_last_market_of_a_subscription_is_never_taken_away() -> None:
    bench = Bench().running()
    bench.now = Nanos(CLOSE + seconds(100))
    assert not commands(bench.tick())


def test_a_refused_addition_is_made_again() -> None:
    bench = Bench(answer_due=seconds(5)).running()
    bench.now = Nanos(CLOSE - seconds(60))
    added, *_ = only(m.SendCommand, bench.listed(next_terms()))
    assert (added.sid, added.tickers) == (SID, (NEXT,))
    bench.reply("error", sid=SID, seq=bench.numbered(), code=26, command_id=added.command_id)
    again = [command for command in only(m.SendCommand, bench.ticks(6)) if command.sid == SID]
    assert commands(again)[0] == ("add_markets", (), (TICKER, NEXT))


def test_markets_are_asked_for_until_the_running_one_has_its_strike() -> None:
    bench = Bench(ask_every=seconds(2))
    bench.begin()
    assert len(only(m.QueryMarkets, bench.ticks(10))) == 5, "nothing listed"
    bench.listed(terms(strike=None))
    assert len(only(m.QueryMarkets, bench.ticks(10))) == 5, "no strike"
    bench.listed(terms())
    assert not only(m.QueryMarkets, bench.ticks(10))


def test_markets_are_asked_for_when_a_window_rolls_and_when_the_next_is_not_listed() -> None:
    bench = Bench(ask_every=seconds(2), lead=seconds(10)).running()
    bench.now = Nanos(CLOSE - seconds(11))
    assert len(only(m.QueryMarkets, bench.ticks(6))) == 3
    bench.listed(next_terms(strike=terms().strike))
    assert len(only(m.QueryMarkets, bench.ticks(20))) == 1, "once, at the rollover"


def test_a_market_of_another_series_is_not_followed() -> None:
    bench = Bench()
    bench.begin()
    bench.stream("open")
    other = terms(series="KXBTC15M", ticker="KXBTC15M-26NOV221015-15")
    assert bench.listed(other) == ()


def test_the_health_tells_gaps_skipped_frames_and_age() -> None:
    bench = Bench().running()
    bench.delta(4600, 1, seq=50)
    skipped = m.FrameSkipped(
        stream="market", conn=bench.conn, reason="not JSON", sample="{", ts_recv=bench.now
    )
    bench.send(skipped)
    (health,) = only(m.FeedHealth, bench.tick(after=4))
    assert (health.gaps, health.skipped) == (1, 1)
    assert health.age_ns == seconds(4)


def test_patience_grows_with_the_speed_of_the_clock_but_the_market_keeps_its_times() -> None:
    slow = Bench().terms
    fast = slow.at_speed(60)
    assert fast.answer_due == 60 * slow.answer_due
    assert fast.index_fresh == 60 * slow.index_fresh
    assert (fast.lead, fast.linger) == (slow.lead, slow.linger)
    assert slow.at_speed(0.5) == slow
