"""Marks: what could be had for a position, and what stays of it when nobody bids."""

from __future__ import annotations

import pytest

from core.domain.marks import Mark, best, updated, value
from core.units import Price, Quantity
from tests.builders import contracts, money, view

YES, NO = contracts(10), Quantity(-contracts(10))


@pytest.mark.parametrize(("quantity", "price"), [(YES, 4600), (NO, 5200)])
def test_each_leg_is_worth_what_is_bid_for_it(quantity: Quantity, price: int) -> None:
    assert best(updated(Mark(), view()), quantity) == Price(price)


def test_a_large_position_walks_the_bids_and_the_rest_counts_at_the_last() -> None:
    mark = updated(Mark(), view())
    assert value(mark, Quantity(-contracts(1000)), money(1)) == money(200 * 0.52 + 800 * 0.51)


def test_a_no_is_worth_no_more_than_the_bid_for_yes_leaves() -> None:
    """Nobody asks and 0.99 is bid: the last bid for NO, 0.52, cannot be had any more."""
    near = view(bids=((Price(9900), contracts(50)),), asks=())
    mark = updated(updated(Mark(), view()), near)
    assert best(mark, NO) == Price(100)
    assert value(mark, NO, money(5)) == money(0.10)


def test_a_yes_is_worth_no_more_than_the_offer_of_yes() -> None:
    far = view(bids=(), asks=((Price(200), contracts(50)),))
    mark = updated(updated(Mark(), view()), far)
    assert best(mark, YES) == Price(200)


def test_a_leg_for_which_nobody_ever_bid_is_worth_what_the_other_leaves() -> None:
    near = view(bids=((Price(9900), contracts(50)),), asks=())
    assert value(updated(Mark(), near), NO, money(5)) == money(0.10)


def test_an_empty_book_keeps_both_marks() -> None:
    mark = updated(Mark(), view())
    assert updated(mark, view(bids=(), asks=())) == mark


def test_a_stale_book_changes_nothing() -> None:
    mark = updated(Mark(), view())
    assert updated(mark, view(book_fresh=False, bids=((Price(100), YES),))) == mark


def test_a_position_without_any_quote_is_worth_its_cost() -> None:
    assert value(Mark(), YES, money(4.8)) == money(4.8)
