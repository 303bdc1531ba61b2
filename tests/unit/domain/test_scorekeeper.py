"""The live scoreboard: counted once, regained from the journal, and said in a sentence."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import messages as m
from core.domain.blend import Blend, Look, settings_of_trust
from core.domain.fold import Fold
from core.domain.scorekeeper import Scorekeeper
from core.domain.trade_results import TradeResults
from core.exchange.records import Outcome, Side
from core.journal import Codec
from core.units import Money, Price
from tests.builders import CLOSE, NOW, contracts, money

SERIES = "KXSOL15M"


def scored(blend: Blend, ticker: str, *, model: float, market: float, yes: bool) -> m.WindowScored:
    """One window with a look early and one late."""
    for left in (600, 60):
        blend.look(Look(ticker=ticker, seconds_left=left, model=model, market=market))
    spans = blend.score(ticker, yes=yes)
    return m.WindowScored(
        ticker=ticker,
        series=SERIES,
        close_ns=CLOSE,
        yes=yes,
        spans=spans,
        credits=blend.after(spans),
        ts=NOW,
    )


def history(windows: int, *, model: float = 0.9, yes: bool = False) -> list[m.WindowScored]:
    blend, events = Blend(), []
    for number in range(windows):
        event = scored(blend, f"{SERIES}-W{number}", model=model, market=0.5, yes=yes)
        blend.learn(event.ticker, event.credits)
        events.append(event)
    return events


def kept(events: list[m.WindowScored]) -> Scorekeeper:
    keeper = Scorekeeper()
    for event in events:
        keeper.apply(event)
    return keeper


def test_before_anything_is_scored_it_says_so() -> None:
    standing, verdict = Scorekeeper().standing(SERIES), Scorekeeper().verdict()

    assert (standing.windows, standing.looks, standing.low) == (0, 0, None)
    assert standing.sentence == "too early to say: 0 of the 30 windows needed"
    assert verdict.sentence == "no trades yet"


def test_scores_are_means_over_looks() -> None:
    """Two looks at each of ten windows that ended NO: the market said 1/2, the model 0.9."""
    standing = kept(history(10)).standing(SERIES)

    assert (standing.windows, standing.looks) == (10, 20)
    assert standing.log_loss[:2] == pytest.approx((0.693147, 2.302585), abs=1e-6)
    assert standing.brier[:2] == pytest.approx((0.25, 0.81))
    assert standing.lead == pytest.approx(0.693147 - 2.302585, abs=1e-6)
    assert [span.looks for span in standing.spans] == [10, 0, 10]


def test_a_model_that_is_worse_loses_its_weight_and_is_told_so() -> None:
    keeper = kept(history(40))
    standing = keeper.standing(SERIES)

    assert standing.sentence == "the market forecasts better than the model"
    assert standing.spans[0].weight < 0.01
    assert keeper.blend(SERIES).mix(0.9, 0.5, 600) < 0.51
    assert standing.high is not None
    assert standing.high < 0


def test_a_model_that_is_better_gains_weight_and_is_told_so() -> None:
    standing = kept(history(40, yes=True)).standing(SERIES)

    assert standing.sentence == "the model forecasts better than the market"
    assert standing.spans[2].weight > 0.9


def test_a_window_told_twice_counts_once() -> None:
    events = history(3)

    assert kept([*events, *events]).standing(SERIES) == kept(events).standing(SERIES)


def test_series_are_apart() -> None:
    keeper = kept(history(3))

    assert keeper.standing("KXBTC15M").windows == 0


@given(st.integers(0, 12))
def test_a_snapshot_and_the_rest_are_the_whole(cut: int) -> None:
    """Through the journal's own bytes, as a compaction would write them."""
    events = history(12)
    fold, codec = Fold(), Codec()
    for event in events[:cut]:
        fold.apply(codec.decode(codec.encode(event)))
    state = codec.decode_state(codec.encode(fold.state(cut, NOW)))

    again = Fold()
    for event in (state, *events[cut:]):
        again.apply(event)

    whole = kept(events)
    assert again.scores.standing(SERIES) == whole.standing(SERIES)
    assert again.scores.dump() == whole.dump()


def test_credits_of_other_experts_are_not_taken() -> None:
    (event,) = history(1)
    strange = msgspec.structs.replace(event, credits=((0.5, 0.5),))

    keeper = kept([strange])

    assert keeper.standing(SERIES).windows == 0
    assert keeper.knows(event.ticker)


@given(st.floats(0.0, 1.0))
def test_trust_is_the_first_weight_of_the_model(trust: float) -> None:
    blend = Blend(settings_of_trust(trust))

    assert blend.weight(600) == pytest.approx(trust, abs=2e-3)
    assert sum(blend.settings.credits) == pytest.approx(1.0)


@pytest.mark.parametrize(("trust", "said"), [(1.0, 0.9), (0.0, 0.5)])
def test_full_trust_and_none_stay_for_ever(trust: float, said: float) -> None:
    blend = Blend(settings_of_trust(trust))
    for number in range(50):
        yes = trust == 0.0  # against whoever is believed
        blend.look(Look(ticker=str(number), seconds_left=600, model=0.9, market=0.5))
        blend.settle(str(number), yes=yes)

    assert blend.mix(0.9, 0.5, 600) == pytest.approx(said)


# --- trades


def fill(number: int, side: Side, price: int, size: float, ticker: str) -> m.OrderFilled:
    return m.OrderFilled(
        trade_id=f"t{number}",
        order_id="o",
        ticker=ticker,
        side=side,
        price=Price(price),
        quantity=contracts(size),
        fee=Money(10_000),
        is_taker=True,
        ts_event=NOW,
        ts=NOW,
    )


def paid(ticker: str, payout: float, number: int = 0) -> m.PositionSettled:
    return m.PositionSettled(
        ticker=ticker,
        number=number,
        result=Outcome.YES,
        quantity=contracts(1),
        payout=money(payout),
        ts=NOW,
    )


A, B, LATER = "KXSOL15M-A", "KXBTC15M-A", "KXSOL15M-B"


def track(*events: m.OrderFilled | m.PositionSettled) -> tuple[int, int, float]:
    results = TradeResults()
    for event in (*events, *events):
        results.apply(event)
    return results.track.windows, results.track.trades, results.track.mean


def test_a_windows_result_is_its_profit_per_contract() -> None:
    """Ten YES at 40 cents and one cent of fee: $4.01 spent, $10 back."""
    told = track(fill(1, Side.BID, 4000, 10, A), paid(A, 10.0))

    assert told == (1, 1, pytest.approx(0.599))


def test_no_costs_its_own_price_and_a_pair_pays_a_dollar() -> None:
    """Ten YES at 40 and ten NO at 55 (YES 45): $9.52 spent with fees, ten pairs pay $10."""
    told = track(fill(1, Side.BID, 4000, 10, A), fill(2, Side.ASK, 4500, 10, A), paid(A, 0.0))

    assert told == (1, 2, pytest.approx(0.48 / 20))


def test_coins_of_one_window_are_one_observation_and_windows_are_apart() -> None:
    told = track(
        fill(1, Side.BID, 4000, 10, A),
        fill(2, Side.BID, 4000, 10, B),
        paid(A, 10.0),
        paid(B, 0.0),
        fill(3, Side.BID, 5000, 10, LATER),
        paid(LATER, 0.0),
    )

    assert told == (2, 3, pytest.approx(((10 - 8.02) / 20 - 0.501) / 2))


def test_a_settlement_without_fills_of_ours_tells_nothing() -> None:
    assert track(paid(A, 5.0)) == (0, 0, 0.0)


def test_markets_that_never_settle_are_forgotten() -> None:
    results = TradeResults()
    for number in range(1_000):
        results.apply(fill(number, Side.BID, 4000, 1, f"KXSOL15M-{number}"))

    assert len(results.dump().open) == 256
