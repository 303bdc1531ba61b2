"""What the local exchange is told on its command line, and what it then does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from core.domain.fees import VERSION_A, VERSION_B
from core.exchange.engine_types import EngineConfig
from core.exchange.listing import FeeType
from core.exchange.simulated import SimulatedExchange
from core.exchange.wire.scalars import rfc3339
from core.units import SECOND
from run import main
from web.exchange_options import ExchangeOptions, OptionsError
from web.exchange_scenario import build_scenario

if TYPE_CHECKING:
    from pathlib import Path

START = rfc3339("2026-11-26T07:59:00Z")
"""A Thursday in New York, a minute before the maintenance."""


def test_the_engine_is_set_up_as_told() -> None:
    config = ExchangeOptions(fee_rounding="B", settlement_tail=True, cancel_all_tail=5.0)
    assert config.engine_config() == EngineConfig(
        fee_trade_unit=VERSION_B, settlement_tail=True, cancel_all_tail=5 * SECOND
    )
    usual = ExchangeOptions().engine_config()
    assert (usual.fee_trade_unit, usual.settlement_tail) == (VERSION_A, False)
    assert usual.cancel_all_tail == 60 * SECOND


def test_makers_pay_where_it_is_asked_for() -> None:
    engine = SimulatedExchange(EngineConfig())
    build_scenario(engine, ExchangeOptions(maker_fees=True), START)
    assert engine.series("KXSOL15M").fee_type is FeeType.QUADRATIC_WITH_MAKER_FEES


def test_the_market_pauses_on_thursday() -> None:
    engine = SimulatedExchange(EngineConfig())
    scenario = build_scenario(engine, ExchangeOptions(), START)
    scenario.advance(START)
    assert engine.status().of_shard(2).trading_active
    scenario.advance(rfc3339("2026-11-26T08:00:00Z"))
    assert not engine.status().of_shard(2).trading_active


@pytest.mark.parametrize("field", ["lag_seconds", "cancel_all_tail", "archive_days"])
def test_a_negative_time_is_refused(field: str) -> None:
    with pytest.raises(OptionsError, match="negative"):
        ExchangeOptions(**{field: -1.0}).check()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("option", "value"), [("--empty-sides", "both"), ("--fee-rounding", "C"), ("--lag", "-1")]
)
def test_a_wrong_value_ends_with_one_clear_line(option: str, value: str, tmp_path: Path) -> None:
    ended = CliRunner().invoke(main, ["exchange", option, value, "--state-dir", str(tmp_path)])
    assert ended.exit_code == 2
    assert "Traceback" not in ended.output
