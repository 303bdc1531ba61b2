"""The role of a strategy: fresh pictures, not too often, and a pass when it says something new."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import pytest

from core import messages as m
from core.domain.fold import Fold
from core.exchange.listing import FeeType
from core.roles.strategy import StrategyRole, StrategyTerms
from core.strategies import StrategyParams, create
from core.units import IndexValue, Nanos, seconds
from tests.builders import NOW, signal, terms, view

if TYPE_CHECKING:
    from collections.abc import Sequence

OTHER = "KXSOL15M-26NOV221030-30"


class Eager:
    """A strategy of a user: always wants, or passes while the book is thin."""

    name: ClassVar[str] = "eager"
    Params = StrategyParams

    def __init__(self, params: StrategyParams = StrategyParams()) -> None:  # noqa: B008 - frozen
        self.params = params

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


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"index": IndexValue(0), "ts_index": Nanos(0)}, "no_print_yet"),
        ({"ts_book": Nanos(0), "bids": (), "asks": (), "book_fresh": False}, "no_book_yet"),
    ],
)
def test_what_never_came_has_no_age(changes: dict[str, object], code: str) -> None:
    (refusal,) = role().handle(view(**changes), NOW)
    assert isinstance(refusal, m.Pass)
    assert (refusal.code, refusal.values) == (code, ())


def test_a_book_that_waits_for_its_snapshot_is_not_judged() -> None:
    (refusal,) = role().handle(view(book_fresh=False), NOW)
    assert isinstance(refusal, m.Pass)
    assert refusal.code == "book_stale"


def test_a_market_whose_fees_no_formula_tells_is_not_judged() -> None:
    """No strategy can know what an order costs there, and one that computes it would raise."""
    (refusal,) = told(role(), at(0, market=terms(fee_type=FeeType.FLAT)))
    assert isinstance(refusal, m.Pass)
    assert refusal.code == "fee_unknown"


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


def commanded(desk: StrategyRole, command: m.Message) -> Sequence[m.Message]:
    """As a host does: what is written is applied."""
    said = desk.handle(command, NOW)
    for event in said:
        if isinstance(event, m.StrategySet):
            desk.apply(event)
    return said


def test_a_strategy_that_is_switched_off_says_nothing() -> None:
    desk = role()
    commanded(desk, m.EnableStrategy(strategy="eager", enabled=False, by="ann"))
    assert told(desk, at(0)) == []
    commanded(desk, m.EnableStrategy(strategy="eager", enabled=True, by="ann"))
    assert told(desk, at(0))


def test_a_switch_is_written_down_once() -> None:
    desk = role()
    off = m.EnableStrategy(strategy="eager", enabled=False, by="ann", reason="fed", command_id="1")
    event, answer = commanded(desk, off)
    assert isinstance(event, m.StrategySet)
    assert (event.enabled, event.by, event.reason) == (False, "ann", "fed")
    assert answer == m.CommandAnswered(command_id="1")
    assert commanded(desk, off) == [answer]


def set_parameters(**values: m.ParameterValue) -> m.SetParameters:
    return m.SetParameters(
        command_id="p", strategy="eager", values=tuple(values.items()), by="ann", reason="try"
    )


def test_parameters_are_in_force_when_they_are_written_down() -> None:
    desk = role()
    event, answer = commanded(desk, set_parameters(min_edge=0.07))
    assert isinstance(event, m.StrategySet)
    assert event.values == (("min_edge", 0.07),)
    assert answer == m.CommandAnswered(command_id="p")
    assert desk.params.min_edge == 0.07
    commanded(desk, set_parameters(contracts=10))
    assert (desk.params.min_edge, desk.params.contracts) == (0.07, 10)


def test_wrong_parameters_change_nothing_and_are_named() -> None:
    desk = role()
    (answer,) = commanded(desk, set_parameters(min_edge=2.0, colour="red"))
    assert isinstance(answer, m.CommandAnswered)
    assert answer.refusal == "invalid_parameters"
    assert "STRATEGY__EAGER__MIN_EDGE=2.0" in answer.text
    assert "STRATEGY__EAGER__COLOUR: no such parameter" in answer.text
    assert desk.params.min_edge == 0.03


def test_parameters_must_fit_to_those_that_are_set_already() -> None:
    desk = role()
    commanded(desk, set_parameters(max_seconds_left=100.0))
    (answer,) = commanded(desk, set_parameters(min_seconds_left=200.0))
    assert isinstance(answer, m.CommandAnswered)
    assert "min_seconds_left must be below" in answer.text


def test_what_the_operator_set_survives_a_restart() -> None:
    desk = role()
    written = [*commanded(desk, set_parameters(min_edge=0.07))]
    written += commanded(desk, m.EnableStrategy(strategy="eager", enabled=False, by="ann"))
    events = [event for event in written if isinstance(event, m.StrategySet)]
    fold = Fold()
    for event in events:
        fold.apply(event)
    for recovered in (events, [fold.state(2, NOW)]):
        after = role()
        for event in recovered:
            after.apply(event)
        assert after.params.min_edge == 0.07
        assert told(after, at(0)) == []


def test_parameters_that_no_longer_fit_are_left_out_at_a_start() -> None:
    desk = role()
    old = m.StrategySet(
        strategy="eager", enabled=True, values=(("gone", 1),), by="ann", reason="", ts=NOW
    )
    desk.apply(old)
    assert desk.params == StrategyParams()


def test_what_was_learned_outlives_a_change_of_parameters() -> None:
    given = {"min_history_s": 10}
    desk = StrategyRole(create("mean_reversion", given), StrategyTerms(), given)
    for second in range(12):
        told(desk, at(second))
    command = m.SetParameters(
        command_id="p", strategy="mean_reversion", values=(("weak", 0.9),), by="", reason=""
    )
    (event, _) = desk.handle(command, NOW)
    desk.apply(event)
    (said,) = told(desk, at(13))
    assert getattr(said, "code", "") != "short_history"


def test_switching_another_strategy_is_none_of_its_business() -> None:
    desk = role()
    desk.handle(m.EnableStrategy(strategy="other", enabled=False, by="ann"), NOW)
    assert told(desk, at(0))
