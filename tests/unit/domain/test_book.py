"""One market's book: snapshots, deltas, corruption, and the cost of taking from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.book import CROSSING_TOLERANCE, Book, BookCorrupt, Level, ladder, sweep
from core.domain.deltas import DeltaRows
from core.exchange.records import Outcome
from core.units import DOLLAR_PRICE, MILLISECOND, Nanos, Price, Quantity

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

YES, NO = Outcome.YES, Outcome.NO
NOW = Nanos(1_795_359_601_309 * MILLISECOND)
SIZES = st.integers(1, 1_000_000).map(Quantity)
LEVELS = st.lists(
    st.tuples(st.integers(1, 9_999).map(Price), SIZES), unique_by=lambda level: level[0]
)


def level(price: int, size: int) -> Level:
    return Price(price), Quantity(size)


def sample_book() -> Book:
    """The book of kalshi.md 5: YES bid 0.46 x 256.50, YES ask 0.48 x 204."""
    book = Book()
    book.load(
        yes=[level(10, 1_500_000), level(4_500, 12_000), level(4_600, 25_650)],
        no=[level(10, 900_000), level(5_100, 7_500), level(5_200, 20_400)],
    )
    return book


def test_an_empty_book_shows_the_exchanges_placeholders() -> None:
    book = Book()

    assert (book.bid, book.ask) == (0, DOLLAR_PRICE)
    assert book.top(5).bids == book.top(5).asks == ()
    assert not book.crossed


def test_no_bids_are_yes_asks() -> None:
    top = sample_book().top(2)

    assert top.bids == ((4_600, 25_650), (4_500, 12_000))
    assert top.asks == ((4_800, 20_400), (4_900, 7_500))
    assert (sample_book().bid, sample_book().ask) == (4_600, 4_800)


def test_a_delta_changes_a_size_and_zero_removes_the_level() -> None:
    book = sample_book()

    book.apply(YES, Price(4_600), Quantity(-5_400), NOW)
    assert book.top(1).bids == ((4_600, 20_250),)
    book.apply(YES, Price(4_600), Quantity(-20_250), NOW)
    assert (book.bid, book.size(YES, Price(4_600))) == (4_500, 0)
    book.apply(NO, Price(5_400), Quantity(1), NOW)
    assert (book.ask, book.size(NO, Price(5_400))) == (4_600, 1)


def test_a_snapshot_replaces_everything() -> None:
    book = sample_book()

    book.load(yes=[], no=[level(100, 100)])

    assert (book.bid, book.ask) == (0, 9_900)
    assert book.size(YES, Price(4_600)) == 0
    assert book.top(3).asks == ((9_900, 100),)


@pytest.mark.parametrize(
    ("price", "delta"),
    [(4_600, -25_651), (4_400, -1), (4_400, 0), (0, 100), (-10, 100), (10_000, 100)],
)
def test_an_impossible_delta_is_corruption(price: int, delta: int) -> None:
    with pytest.raises(BookCorrupt):
        sample_book().apply(YES, Price(price), Quantity(delta), NOW)


@pytest.mark.parametrize(
    ("yes", "no"),
    [
        ([level(0, 100)], []),
        ([level(10_000, 100)], []),
        ([level(4_600, -1)], []),
        ([level(4_600, 100), level(4_600, 100)], []),
        ([level(4_600, 100)], [level(5_400, 100)]),
        ([level(4_600, 100)], [level(5_500, 100)]),
    ],
)
def test_an_impossible_or_crossed_snapshot_is_corruption(yes: list[Level], no: list[Level]) -> None:
    with pytest.raises(BookCorrupt):
        Book().load(yes, no)


def test_empty_levels_of_a_snapshot_are_no_levels() -> None:
    book = Book()

    book.load(yes=[level(4_600, 0), level(4_500, 100)], no=[])

    assert book.bid == 4_500


def test_a_book_may_cross_while_one_order_matches() -> None:
    book = sample_book()

    book.apply(YES, Price(4_800), Quantity(100), NOW)
    assert book.crossed
    book.apply(NO, Price(5_200), Quantity(-20_400), Nanos(NOW + CROSSING_TOLERANCE))

    assert not book.crossed
    assert (book.bid, book.ask) == (4_800, 4_900)


def test_a_book_that_stays_crossed_is_corrupt() -> None:
    book = sample_book()
    book.apply(YES, Price(4_800), Quantity(100), NOW)

    with pytest.raises(BookCorrupt, match="crossed"):
        book.apply(YES, Price(4_500), Quantity(100), Nanos(NOW + CROSSING_TOLERANCE + 1))


def test_a_second_crossing_is_timed_anew() -> None:
    book = sample_book()
    later = Nanos(NOW + 10 * CROSSING_TOLERANCE)
    book.apply(YES, Price(4_800), Quantity(100), NOW)
    book.apply(YES, Price(4_800), Quantity(-100), NOW)

    book.apply(YES, Price(4_800), Quantity(100), later)

    assert book.crossed


@st.composite
def changes(draw: st.DrawFn) -> list[tuple[Outcome, Price, Quantity]]:
    """Deltas that keep every size at or above zero and the legs apart (YES below 0.50)."""
    sizes: dict[tuple[Outcome, Price], int] = {}
    deltas = []
    for _ in range(draw(st.integers(0, 60))):
        key = draw(st.sampled_from([YES, NO])), Price(draw(st.integers(1, 12)) * 400)
        held = sizes.get(key, 0)
        delta = draw(st.sampled_from([-held, -1, 1, 500]) if held else st.integers(1, 500))
        sizes[key] = held + delta
        deltas.append((*key, Quantity(delta)))
    return deltas


@given(changes(), st.integers(1, 4))
def test_the_book_is_the_sum_of_its_deltas(
    deltas: list[tuple[Outcome, Price, Quantity]], depth: int
) -> None:
    book = Book()
    sums: dict[Outcome, dict[Price, int]] = {YES: {}, NO: {}}

    for leg, price, delta in deltas:
        book.apply(leg, price, delta, NOW)
        sums[leg][price] = sums[leg].get(price, 0) + delta
        best_yes, best_no = (
            sorted(((p, q) for p, q in sums[leg].items() if q), reverse=True) for leg in (YES, NO)
        )
        top = book.top(depth)
        assert top.bids == tuple(best_yes[:depth])
        assert top.asks == tuple((DOLLAR_PRICE - p, q) for p, q in best_no[:depth])
        assert book.bid == (best_yes[0][0] if best_yes else 0)
        assert book.ask == DOLLAR_PRICE - (best_no[0][0] if best_no else 0)


def rows_of(deltas: list[tuple[Outcome, Price, Quantity]]) -> DeltaRows:
    rows = DeltaRows("T", 1, 1)
    rows.is_yes = [leg is YES for leg, _, _ in deltas]
    rows.prices = [price for _, price, _ in deltas]
    rows.changes = [delta for _, _, delta in deltas]
    rows.stop = len(deltas)
    return rows


@given(changes(), st.sets(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=30))
def test_it_drifts_as_far_as_best_prices_are_accepted(
    deltas: list[tuple[Outcome, Price, Quantity]], refused: set[tuple[int, int]]
) -> None:
    def holds(bid: Price, ask: Price) -> bool:
        return (bid // 400, (DOLLAR_PRICE - ask) // 400) not in refused

    drifting, plain = Book(), Book()
    rows, at = rows_of(deltas), 0
    while at < rows.stop:
        end, held = drifting.drift(rows, at, rows.stop, holds)
        for row in range(at, end):
            plain.apply(*deltas[row], NOW)
            best = ((YES, plain.bid), (NO, Price(10_000 - plain.ask)))
            whole = all(not price or plain.size(leg, price) > 99 for leg, price in best)
            if row < end - 1 or held:
                touched = deltas[row][1] >= (
                    plain.bid if deltas[row][0] is YES else 10_000 - plain.ask
                )
                assert not touched or (whole and holds(plain.bid, plain.ask))
        assert drifting.top(3) == plain.top(3)
        if not held:
            assert not (whole and holds(plain.bid, plain.ask))
        elif end < rows.stop:  # a row for `apply` alone
            drifting.apply(*deltas[end], NOW)
            plain.apply(*deltas[end], NOW)
            end += 1
        at = end


def test_top_follows_a_change_of_depth() -> None:
    book = sample_book()

    assert [len(book.top(depth).bids) for depth in (1, 3, 2, 9)] == [1, 3, 2, 3]


def test_buying_yes_climbs_the_asks() -> None:
    top = sample_book().top(5)

    taken = sweep(ladder(YES, top.bids, top.asks), Quantity(22_000), limit=Price(5_000))

    assert taken.fills == ((4_800, 20_400), (4_900, 1_600))
    assert taken.quantity == 22_000
    assert taken.cost == 4_800 * 20_400 + 4_900 * 1_600
    assert taken.worst == 4_900


def test_buying_no_takes_the_bids_at_their_complement() -> None:
    top = sample_book().top(5)

    taken = sweep(ladder(NO, top.bids, top.asks), Quantity(100), limit=Price(9_999))

    assert taken.fills == ((5_400, 100),)
    assert taken.cost == 5_400 * 100


def test_a_limit_and_an_end_of_the_ladder_stop_a_sweep() -> None:
    asks = (level(4_800, 100), level(4_900, 100))

    assert sweep(asks, Quantity(500), limit=Price(4_800)).quantity == 100
    assert sweep(asks, Quantity(500), limit=Price(9_999)).quantity == 200
    nothing = sweep(asks, Quantity(500), limit=Price(4_700))
    assert (nothing.quantity, nothing.cost, nothing.worst) == (0, 0, 0)


@given(LEVELS, st.integers(0, 2_000_000).map(Quantity), st.integers(0, 10_000).map(Price))
def test_a_sweep_pays_for_what_it_takes(
    levels: list[Level], quantity: Quantity, limit: Price
) -> None:
    asks = sorted(levels)
    within = sum(size for price, size in asks if price <= limit)

    taken = sweep(asks, quantity, limit)

    assert taken.quantity == min(quantity, within) == sum(size for _, size in taken.fills)
    assert taken.cost == sum(price * size for price, size in taken.fills)
    assert taken.worst <= limit
    assert taken.cost <= taken.worst * taken.quantity


Row = tuple[int, int, str, int, int, int, float, int]


def recorded_rows(folder: Path) -> Iterator[Row]:
    columns = ("conn", "seq", "ticker", "is_snapshot", "side", "price_e4", "qty", "ts_ms")
    file = pq.ParquetFile(folder / "book_l2_events_KXBTC15M.parquet")
    batch = next(file.iter_batches(batch_size=300_000, columns=list(columns)))
    yield from zip(*(batch.column(name).to_pylist() for name in columns), strict=True)


def test_recorded_deltas_keep_the_book_whole(recorded: Path) -> None:
    books: dict[str, Book] = {}
    snapshots: dict[tuple[int, int, str], tuple[list[Level], list[Level]]] = {}
    crossed_at: dict[str, int] = {}
    last_seq: dict[int, int] = {}
    deltas = 0

    for conn, seq, ticker, is_snapshot, side, price, size, ts_ms in recorded_rows(recorded):
        hundredths = round(size * 100)
        if seq not in (last_seq.get(conn, seq), last_seq.get(conn, seq) + 1):
            books.clear()  # a part of the recording is missing: wait for the next snapshots
        last_seq[conn] = seq
        if is_snapshot:
            sides = snapshots.setdefault((conn, seq, ticker), ([], []))
            sides[side].append(level(price, hundredths))
            books.setdefault(ticker, Book()).load(*sides)
            continue
        if ticker not in books:
            continue
        book = books[ticker]
        leg = NO if side else YES
        book.apply(leg, Price(price), Quantity(hundredths), Nanos(ts_ms * MILLISECOND))
        deltas += 1
        if book.crossed:
            assert crossed_at.setdefault(ticker, ts_ms) == ts_ms
        else:
            crossed_at.pop(ticker, None)

    assert deltas > 250_000
    assert not crossed_at
