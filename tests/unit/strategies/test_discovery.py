"""Strategies are found by being there, and refused with a reason."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from core import strategies
from core.strategies import StrategyError, available, create, load
from core.strategies.base import Strategy
from core.strategies.kelly_volatility import KellyVolatility, KellyVolatilityParams

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GOOD = """
from typing import ClassVar
from core.strategies.base import StrategyParams, passed


class Params(StrategyParams):
    patience: int = 3


class Mine:
    name: ClassVar[str] = "mine"
    Params: ClassVar[type[StrategyParams]] = Params

    def __init__(self, params):
        self.params = params

    def evaluate(self, view, now):
        return passed(self.name, view, now, ("never", ()))
"""


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder whose files count as strategies, as if they lay in the package."""
    monkeypatch.setattr(strategies, "__path__", [*strategies.__path__, str(tmp_path)])
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith("core.strategies."):
            del sys.modules[name]


def test_the_three_are_there_and_their_tools_are_not() -> None:
    assert available() == ("high_confidence", "kelly_volatility", "mean_reversion")


@pytest.mark.parametrize("name", available())
def test_each_file_holds_a_strategy_of_its_name_that_needs_no_parameters(name: str) -> None:
    made = create(name, {})

    assert made.name == name
    assert isinstance(made, Strategy)
    assert load(name) is type(made)


@pytest.mark.parametrize("name", available())
def test_every_parameter_tells_its_meaning_and_unit(name: str) -> None:
    for field in load(name).Params.model_fields.values():
        assert field.description is not None
        meaning, comma, unit = field.description.rpartition(", ")
        assert meaning
        assert comma
        assert unit


@pytest.mark.parametrize("name", available())
def test_parameters_cannot_be_changed_later(name: str) -> None:
    params = load(name).Params()

    with pytest.raises(ValueError, match="frozen"):
        params.min_edge = 0.5


def test_an_unknown_name_gets_a_suggestion() -> None:
    with pytest.raises(StrategyError, match="no strategy 'kelly_volatilty', did you mean 'kelly_v"):
        load("kelly_volatilty")


@pytest.mark.parametrize("name", ["base", "judgement", "_private", "os", "../secret", ""])
def test_what_is_no_strategy_cannot_be_loaded(name: str) -> None:
    with pytest.raises(StrategyError, match="no strategy"):
        load(name)


def test_texts_are_read_as_numbers() -> None:
    made = create("kelly_volatility", {"min_edge": "0.04", "contracts": "25"})

    assert isinstance(made, KellyVolatility)
    assert made._params == KellyVolatilityParams(min_edge=0.04, contracts=25)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"min_edge": "much"}, "STRATEGY__KELLY_VOLATILITY__MIN_EDGE='much'"),
        ({"min_edge": 1.5}, "MIN_EDGE=1.5: Input should be less than 1"),
        ({"min_edge": float("nan")}, "MIN_EDGE=nan"),
        ({"min_edg": 0.1}, "MIN_EDG: no such parameter, did you mean 'min_edge'"),
        ({"min_seconds_left": 850}, "must be below max_seconds_left"),
    ],
)
def test_a_bad_parameter_is_told_with_its_variable(values: dict[str, object], told: str) -> None:
    with pytest.raises(StrategyError) as raised:
        create("kelly_volatility", values)

    assert told in str(raised.value)


def test_every_bad_parameter_is_told() -> None:
    with pytest.raises(StrategyError) as raised:
        create("kelly_volatility", {"min_edge": 2, "contracts": 0, "fast": True})

    assert len(str(raised.value).splitlines()) == 3


def test_a_file_put_there_is_a_strategy(own_folder: Path) -> None:
    (own_folder / "mine.py").write_text(GOOD)

    assert "mine" in available()
    assert create("mine", {"patience": "5"}).name == "mine"


@pytest.mark.parametrize(
    "text", ["", GOOD.replace('"mine"', '"other"'), GOOD + "class Two(Mine):\n    pass\n"]
)
def test_an_unfit_file_is_told(own_folder: Path, text: str) -> None:
    (own_folder / "mine.py").write_text(text)

    with pytest.raises(StrategyError, match=r"mine\.py must hold one strategy"):
        load("mine")
