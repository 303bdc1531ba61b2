"""mean_reversion: against the stretch, where the book overpays for it."""

from __future__ import annotations

import pytest

from core.exchange.records import Outcome
from core.messages import MarketView, Pass, Signal
from core.strategies.mean_reversion import MeanReversion, MeanReversionParams
from core.units import SECOND, IndexValue, Nanos, Price, Quantity
from tests.builders import CLOSE, contracts, terms, view

Book = dict[str, tuple[tuple[Price, Quantity], ...]]
STRIKE = terms().strike or IndexValue(0)
START = Nanos(CLOSE - 800 * SECOND)
DEAR_YES: Book = {
    "bids": ((Price(7_500), contracts(100)),),
    "asks": ((Price(7_700), contracts(100)),),
}
EMPTY: Book = {"bids": (), "asks": ()}
DEAR_NO: Book = {
    "bids": ((Price(2_300), contracts(100)),),
    "asks": ((Price(2_500), contracts(100)),),
}


def strategy(**changes: float) -> MeanReversion:
    return MeanReversion(MeanReversionParams(**changes))  # type: ignore[arg-type]


def wobble(second: int) -> float:
    """Basis points around the strike: up and down by 3, so the deviation is 3."""
    return 3.0 if second % 2 else -3.0


def after(
    strategy_: MeanReversion, last_bps: float, book: Book, seconds: int = 300
) -> Signal | Pass:
    """The answer to a price of `last_bps` above the strike, after so many seconds of wobble."""
    answer: Signal | Pass | None = None
    for second in range(seconds + 1):
        bps = last_bps if second == seconds else wobble(second)
        now = Nanos(START + second * SECOND)
        answer = strategy_.evaluate(picture(bps, now, **book), now)
    assert answer is not None
    return answer


def picture(bps: float, now: Nanos, **changes: object) -> MarketView:
    index = IndexValue(round(STRIKE * (1 + bps / 1e4)))
    return view(**{"index": index, "ts_index": now, **changes})


def values(answer: Signal | Pass) -> dict[str, float]:
    return dict(answer.values)


def test_after_a_rise_it_buys_no_where_yes_is_dear() -> None:
    signal = after(strategy(), 6.0, DEAR_YES)

    assert isinstance(signal, Signal)
    assert (signal.outcome, signal.price) == (Outcome.NO, 2_500)
    assert values(signal)["z"] == pytest.approx(2.0, abs=0.05)
    assert signal.edge >= 0.03


def test_after_a_fall_it_buys_yes_where_no_is_dear() -> None:
    signal = after(strategy(), -6.0, DEAR_NO)

    assert isinstance(signal, Signal)
    assert (signal.outcome, signal.price) == (Outcome.YES, 2_500)
    assert values(signal)["z"] == pytest.approx(-2.0, abs=0.05)


def test_an_edge_on_the_other_side_is_not_its_business() -> None:
    """After a rise YES is cheap: worth buying, but not a bet on reversion."""
    answer = after(strategy(), 6.0, DEAR_NO)

    assert isinstance(answer, Pass)
    assert answer.code == "edge"
    assert values(answer)["yes_edge"] > 0.03
    assert values(answer)["no_edge"] < 0.03


@pytest.mark.parametrize(("last_bps", "share"), [(3.6, 0.5), (5.2, 0.75), (6.6, 1.0)])
def test_the_stake_grows_with_the_stretch(last_bps: float, share: float) -> None:
    signal = after(strategy(), last_bps, DEAR_YES)

    assert isinstance(signal, Signal)
    assert signal.kelly_fraction == pytest.approx(0.25 * share)


def test_a_price_near_its_mean_is_passed() -> None:
    answer = after(strategy(), 2.0, DEAR_YES)

    assert isinstance(answer, Pass)
    assert answer.code == "not_stretched"
    assert values(answer)["limit"] == 1.0


def test_without_history_it_passes() -> None:
    answer = after(strategy(), 6.0, DEAR_YES, seconds=200)

    assert isinstance(answer, Pass)
    assert answer.code == "short_history"


def test_an_empty_side_is_no_offer() -> None:
    answer = after(strategy(), 6.0, EMPTY)

    assert isinstance(answer, Pass)
    assert answer.code == "no_offer"


def test_it_gathers_history_while_the_market_cannot_be_judged() -> None:
    waiting = strategy()
    for second in range(300):
        now = Nanos(START + second * SECOND)
        waiting.evaluate(picture(wobble(second), now, market=terms(strike=None)), now)
    now = Nanos(START + 300 * SECOND)

    answer = waiting.evaluate(picture(6.0, now, **DEAR_YES), now)

    assert isinstance(answer, Signal)


def test_a_change_to_spot_prices_is_no_stretch() -> None:
    changing = strategy()
    after(changing, 0.0, EMPTY)
    now = Nanos(START + 301 * SECOND)

    answer = changing.evaluate(picture(30.0, now, proxy=True, **DEAR_YES), now)

    assert isinstance(answer, Pass)
    assert answer.code == "short_history"


def test_series_do_not_mix() -> None:
    mixed = strategy()
    after(mixed, 0.0, EMPTY)
    now = Nanos(START + 301 * SECOND)
    other = terms(series="KXBTC15M", ticker="KXBTC15M-26NOV221015-15")

    answer = mixed.evaluate(picture(30.0, now, market=other, **DEAR_YES), now)

    assert isinstance(answer, Pass)
    assert answer.code == "short_history"


def test_expected_reversion_moves_the_fair_value_towards_the_mean() -> None:
    plain = after(strategy(), 6.0, DEAR_YES)
    believing = after(strategy(reversion=0.5), 6.0, DEAR_YES)

    assert isinstance(plain, Signal)
    assert isinstance(believing, Signal)
    assert believing.probability > plain.probability
    assert believing.edge > plain.edge


def test_equal_pictures_give_equal_answers() -> None:
    assert after(strategy(), 6.0, DEAR_YES) == after(strategy(), 6.0, DEAR_YES)


@pytest.mark.parametrize(
    ("changes", "told"),
    [({"weak": 3.0}, "ascend"), ({"min_history_s": 301}, "min_history_s")],
)
def test_parameters_out_of_order_are_refused(changes: dict[str, float], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        MeanReversionParams(**changes)  # type: ignore[arg-type]
