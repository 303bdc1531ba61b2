"""Every refusal with its code and status, and that it leaves nothing behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from core.domain.windows import WINDOW_LENGTH, window_closing
from core.exchange.records import (
    AmendRequest,
    CancelRequest,
    DecreaseRequest,
    Placed,
    TimeInForce,
)
from core.units import Money, Nanos, Price, Quantity
from tests.contract.engine_bench import ASK, BID, CLOSES, FOK, IOC, NOW, TICKER, Bench, refused

if TYPE_CHECKING:
    from collections.abc import Callable

INVALID = ("invalid_parameters", 400)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def amend(placed: Placed, **more: object) -> AmendRequest:
    fields: dict[str, object] = {
        "order_id": placed.order_id,
        "ticker": TICKER,
        "side": BID,
        "price": Price(4000),
        "total": Quantity(100),
        **more,
    }
    return AmendRequest(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fields", "answer"),
    [
        ({"quantity": Quantity(0)}, INVALID),
        ({"quantity": Quantity(-100)}, INVALID),
        ({"client_order_id": "x" * 65}, INVALID),
        ({"client_order_id": "no spaces"}, INVALID),
        ({"client_order_id": "no.dots"}, INVALID),
        ({"expires": NOW}, INVALID),
        ({"expires": CLOSES, "time_in_force": IOC}, INVALID),
        ({"expires": CLOSES, "time_in_force": FOK}, INVALID),
        ({"post_only": True, "time_in_force": IOC}, INVALID),
        ({"reduce_only": True}, INVALID),
        ({"reduce_only": True, "time_in_force": FOK}, INVALID),
        ({"price": Price(0)}, ("invalid_price", 400)),
        ({"price": Price(10_000)}, ("invalid_price", 400)),
        ({"price": Price(-4700)}, ("invalid_price", 400)),
        ({"price": Price(4750)}, ("invalid_price", 400)),
        ({"price": Price(995)}, ("invalid_price", 400)),
        ({"ticker": "KXSOL15M-26NOV221016-16"}, ("market_not_found", 404)),
        ({"shard": 0}, ("market_not_found", 404)),
        ({"shard": 3}, ("market_not_found", 404)),
        ({"quantity": Quantity(100_000_000)}, ("insufficient_balance", 400)),
        ({"client_order_id": "used"}, ("order_already_exists", 409)),
        (
            {"time_in_force": FOK},
            ("fill_or_kill_insufficient_resting_volume", 409),
        ),
    ],
)
def test_a_refused_order_changes_nothing(
    bench: Bench, fields: dict[str, object], answer: tuple[str, int]
) -> None:
    bench.place("ann", ASK, "0.90", "1", client_order_id="used")
    before = bench.engine.book(TICKER), bench.engine.balance("ann"), bench.engine.orders("ann")
    bench.engine.drain()
    request = msgspec.structs.replace(bench.request(BID, "0.47", "1"), **fields)
    assert refused(lambda: bench.engine.create_order("ann", request, bench.now)) == answer
    after = bench.engine.book(TICKER), bench.engine.balance("ann"), bench.engine.orders("ann")
    assert (after, bench.engine.drain()) == (before, ())


@pytest.mark.parametrize("good", ["a" * 64, "A-z_0:9+=/", ""])
def test_a_client_order_id_of_the_allowed_alphabet_passes(bench: Bench, good: str) -> None:
    assert bench.place("ann", BID, "0.40", "1", client_order_id=good).client_order_id == good


def test_orders_without_an_id_of_their_own_may_repeat(bench: Bench) -> None:
    bench.place("ann", BID, "0.40", "1", client_order_id="")
    assert bench.place("ann", BID, "0.40", "1", client_order_id="").remaining == 100


def test_a_client_order_id_is_unique_per_account_only(bench: Bench) -> None:
    bench.place("ann", BID, "0.40", "1", client_order_id="same")
    assert bench.place("bob", BID, "0.40", "1", client_order_id="same").remaining == 100


def test_a_refused_order_does_not_burn_its_id_but_a_killed_one_does(bench: Bench) -> None:
    refused(lambda: bench.place("ann", BID, "0.4750", "1", client_order_id="a"))
    assert bench.place("ann", BID, "0.47", "1", client_order_id="a").remaining == 100
    refused(lambda: bench.place("ann", BID, "0.47", "1", client_order_id="b", time_in_force=FOK))
    again = refused(lambda: bench.place("ann", BID, "0.47", "1", client_order_id="b"))
    assert again == ("order_already_exists", 409)


def test_post_only_that_meets_even_an_own_order_is_refused(bench: Bench) -> None:
    bench.place("ann", ASK, "0.48", "1")
    answer = refused(lambda: bench.place("ann", BID, "0.48", "1", post_only=True))
    assert answer == ("invalid_order", 400)


def test_money_on_another_shard_buys_nothing(bench: Bench) -> None:
    everything = Money(bench.spendable("ann"))
    bench.engine.transfer("ann", 2, 0, everything, bench.now)
    answer = refused(lambda: bench.place("ann", BID, "0.10", "1"))
    assert answer == ("insufficient_balance", 400)
    bench.engine.transfer("ann", 0, 2, Money(1_000_000), bench.now)
    assert bench.place("ann", BID, "0.10", "1").remaining == 100


def test_a_transfer_beyond_what_is_spendable_is_refused(bench: Bench) -> None:
    bench.place("ann", BID, "0.50", "1900")
    transfer = refused(lambda: bench.engine.transfer("ann", 2, 0, Money(100_000_000), bench.now))
    assert transfer == ("insufficient_balance", 400)
    assert refused(lambda: bench.engine.transfer("ann", 2, 2, Money(1), bench.now)) == INVALID


@pytest.mark.parametrize(
    "route", [(None, None), (None, 0), (TICKER, 0), ("KXSOL15M-26NOV221030-30", 2)]
)
def test_a_cancel_on_the_wrong_route_finds_nothing(
    bench: Bench, route: tuple[str | None, int | None]
) -> None:
    placed = bench.place("ann", BID, "0.40", "1")
    request = CancelRequest(order_id=placed.order_id, ticker=route[0], shard=route[1])
    code, status = refused(lambda: bench.engine.cancel_order("ann", request, bench.now))
    assert (code, status) == ("order_not_found", 404)
    assert bench.bids() == [(4000, 100)]


@pytest.mark.parametrize("route", [(TICKER, None), (None, 2), (TICKER, 2), (TICKER, -1)])
def test_a_cancel_on_a_right_route_works(
    bench: Bench, route: tuple[str | None, int | None]
) -> None:
    placed = bench.place("ann", BID, "0.40", "1")
    request = CancelRequest(order_id=placed.order_id, ticker=route[0], shard=route[1])
    assert bench.engine.cancel_order("ann", request, bench.now).reduced_by == 100


def test_automatic_routing_needs_the_ticker(bench: Bench) -> None:
    placed = bench.place("ann", BID, "0.40", "1")
    request = CancelRequest(order_id=placed.order_id, shard=-1)
    assert refused(lambda: bench.engine.cancel_order("ann", request, bench.now)) == INVALID


def test_somebody_elses_order_does_not_exist(bench: Bench) -> None:
    placed = bench.place("ann", BID, "0.40", "1")
    request = CancelRequest(order_id=placed.order_id, shard=2)
    missing = ("order_not_found", 404)
    assert refused(lambda: bench.engine.cancel_order("bob", request, bench.now)) == missing
    assert refused(lambda: bench.engine.order("bob", placed.order_id)) == missing
    assert refused(lambda: bench.engine.queue_ahead("bob", placed.order_id)) == missing


def test_a_second_cancel_finds_nothing(bench: Bench) -> None:
    placed = bench.place("ann", BID, "0.40", "1")
    request = CancelRequest(order_id=placed.order_id, shard=2)
    bench.engine.cancel_order("ann", request, bench.now)
    answer = refused(lambda: bench.engine.cancel_order("ann", request, bench.now))
    assert answer == ("order_not_found", 404)


@pytest.mark.parametrize(
    ("fields", "answer"),
    [
        ({"side": ASK}, INVALID),
        ({"client_order_id": "another"}, INVALID),
        ({"updated_client_order_id": "not allowed"}, INVALID),
        ({"updated_client_order_id": "used"}, ("order_already_exists", 409)),
        ({"expires": Nanos(NOW - 1)}, INVALID),
        ({"price": Price(4050)}, ("invalid_price", 400)),
        ({"total": Quantity(100)}, ("invalid_order", 400)),
        ({"total": Quantity(10_000_000)}, ("insufficient_balance", 400)),
        ({"shard": 0}, ("order_not_found", 404)),
        ({"ticker": "KXSOL15M-26NOV221016-16"}, ("market_not_found", 404)),
    ],
)
def test_a_refused_amend_leaves_the_order_as_it_was(
    bench: Bench, fields: dict[str, object], answer: tuple[str, int]
) -> None:
    bench.place("bob", ASK, "0.40", "1")
    bench.place("ann", BID, "0.01", "1", client_order_id="used")
    placed = bench.place("ann", BID, "0.40", "3")
    before = bench.engine.order("ann", placed.order_id), bench.engine.balance("ann")
    request = amend(placed, **{"total": Quantity(300), **fields})
    assert refused(lambda: bench.engine.amend_order("ann", request, bench.now)) == answer
    assert (bench.engine.order("ann", placed.order_id), bench.engine.balance("ann")) == before


@pytest.mark.parametrize(
    ("by", "to"), [(None, None), (1, 1), (0, None), (-5, None), (None, -1), (None, 301)]
)
def test_a_decrease_takes_exactly_one_sensible_size(
    bench: Bench, by: int | None, to: int | None
) -> None:
    placed = bench.place("ann", BID, "0.40", "3")
    request = DecreaseRequest(
        order_id=placed.order_id,
        ticker=TICKER,
        reduce_by=None if by is None else Quantity(by),
        reduce_to=None if to is None else Quantity(to),
    )
    assert refused(lambda: bench.engine.decrease_order("ann", request, bench.now)) == INVALID
    assert bench.bids() == [(4000, 300)]


def attempts(bench: Bench, placed: Placed) -> dict[str, Callable[[], object]]:
    """Everything an account can ask of a market."""
    engine, now = bench.engine, bench.now
    return {
        "create": lambda: bench.place("ann", BID, "0.30", "1"),
        "amend": lambda: engine.amend_order("ann", amend(placed, total=Quantity(200)), now),
        "decrease": lambda: engine.decrease_order(
            "ann",
            DecreaseRequest(order_id=placed.order_id, ticker=TICKER, reduce_by=Quantity(1)),
            now,
        ),
        "cancel": lambda: engine.cancel_order(
            "ann", CancelRequest(order_id=placed.order_id, ticker=TICKER), now
        ),
    }


@pytest.mark.parametrize("what", ["create", "amend", "decrease", "cancel"])
def test_after_the_close_everything_is_refused_cancels_too(bench: Bench, what: str) -> None:
    placed = bench.place("ann", BID, "0.40", "3")
    bench.now = CLOSES
    assert refused(attempts(bench, placed)[what]) == ("market_inactive", 400)


def test_before_the_open_nothing_is_taken(bench: Bench) -> None:
    following = window_closing("KXSOL15M", Nanos(CLOSES + WINDOW_LENGTH))
    ticker = bench.engine.list_market(following, bench.now)
    answer = refused(lambda: bench.place("ann", BID, "0.40", "1", ticker=ticker))
    assert answer == ("market_inactive", 400)


@pytest.mark.parametrize("what", ["create", "amend", "decrease"])
def test_a_paused_market_takes_cancels_only(bench: Bench, what: str) -> None:
    placed = bench.place("ann", BID, "0.40", "3")
    bench.engine.pause_market(TICKER, bench.now)
    todo = attempts(bench, placed)
    assert refused(todo[what]) == ("market_inactive", 400)
    todo["cancel"]()
    assert bench.bids() == []


@pytest.mark.parametrize("what", ["create", "amend", "decrease"])
def test_paused_trading_takes_cancels_only(bench: Bench, what: str) -> None:
    placed = bench.place("ann", BID, "0.40", "3")
    bench.engine.pause_trading(2, bench.now)
    todo = attempts(bench, placed)
    assert refused(todo[what]) == ("trading_is_paused", 400)
    todo["cancel"]()
    assert bench.bids() == []


@pytest.mark.parametrize("what", ["create", "amend", "decrease", "cancel"])
def test_a_paused_exchange_takes_nothing(bench: Bench, what: str) -> None:
    placed = bench.place("ann", BID, "0.40", "3")
    bench.engine.pause_exchange(2, bench.now)
    assert refused(attempts(bench, placed)[what]) == ("exchange_paused", 400)
    assert bench.engine.cancel_all_orders("ann", bench.now) == 0
    bench.engine.resume_exchange(2, bench.now)
    attempts(bench, placed)["cancel"]()


def test_unknown_names_are_not_found(bench: Bench) -> None:
    engine = bench.engine
    asked: list[tuple[Callable[[], object], str]] = [
        (lambda: engine.balance("eve"), "not_found"),
        (lambda: engine.series("KXNONE"), "not_found"),
        (lambda: engine.index_prints("NONE", Nanos(0), bench.now), "not_found"),
        (lambda: engine.market("KXNONE"), "market_not_found"),
        (lambda: engine.book("KXNONE"), "market_not_found"),
        (lambda: engine.order("ann", "none"), "order_not_found"),
    ]
    for ask, code in asked:
        assert refused(ask) == (code, 404)


def test_good_till_cancelled_is_the_only_one_that_rests(bench: Bench) -> None:
    for tif in (TimeInForce.IOC, TimeInForce.GTC):
        bench.place("ann", BID, "0.40", "1", time_in_force=tif)
    assert bench.bids() == [(4000, 100)]
