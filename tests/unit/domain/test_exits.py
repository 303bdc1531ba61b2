"""What an exit brought against holding on, and that both add up to the books."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.domain.exits import ExitTotals, brought, held
from core.domain.positions import Position, book_fill, payout
from core.exchange.records import Outcome, Side
from core.units import Money, Price, Quantity
from tests.builders import TICKER, contracts, filled, money


def test_selling_yes_and_selling_no() -> None:
    ten, fee = contracts(10), money(0.17)
    assert brought(Side.ASK, Price(6000), ten, fee) == money(6.00) - fee
    assert brought(Side.BID, Price(6000), ten, fee) == money(4.00) - fee
    assert held(Side.ASK, ten, Outcome.YES) == held(Side.BID, ten, Outcome.NO) == money(10)
    assert held(Side.ASK, ten, Outcome.NO) == held(Side.BID, ten, Outcome.YES) == 0


def test_totals_add_up() -> None:
    one = ExitTotals(orders=1, quantity=contracts(2), brought=money(1.2), held=money(2))
    both = one.plus(ExitTotals(orders=1, quantity=contracts(1), brought=money(0.3), held=Money(0)))
    assert (both.orders, both.quantity, both.gained) == (2, contracts(3), money(-0.5))


@given(
    sizes=st.tuples(st.integers(1, 5_000), st.floats(0, 1)),
    price=st.integers(1, 9_999),
    fee=st.integers(0, 20_000),
    side=st.sampled_from(Side),
    result=st.sampled_from(Outcome),
)
def test_what_was_gained_is_the_difference_between_the_two_books(
    sizes: tuple[int, float], price: int, fee: int, side: Side, result: Outcome
) -> None:
    """Cash with the exit, and cash had the same contracts been held."""
    size, part = sizes
    owned = Quantity(size if side is Side.ASK else -size)
    sold = Quantity(max(1, round(size * part)))
    before = Position(ticker=TICKER, quantity=owned, cost=Money(123))
    fill = filled(side=side, price=Price(price), quantity=sold, fee=Money(fee))
    after, flow = book_fill(before, fill)
    with_exit = flow + payout(after.quantity, result)
    without = payout(owned, result)
    total = ExitTotals(
        brought=brought(side, Price(price), sold, Money(fee)), held=held(side, sold, result)
    )
    assert total.gained == with_exit - without
