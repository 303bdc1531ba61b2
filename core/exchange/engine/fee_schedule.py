"""Changes of a series' fees: announced, and in force for every fill from their time on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from core.domain.fees import trade_fee
from core.units import FEE_UNIT, Price, Quantity

if TYPE_CHECKING:
    from core.exchange.engine.schedule import Schedule
    from core.exchange.engine.venue import Venue
    from core.exchange.listing import FeeChange


def announce(venue: Venue, schedule: Schedule, change: FeeChange) -> None:
    """Put a change on the schedule. Raises core.domain.fees.UnknownFee for fees without formula."""
    changed = msgspec.structs.replace(
        venue.series[change.series_ticker],
        fee_type=change.fee_type,
        fee_multiplier_bps=change.fee_multiplier_bps,
    )
    trade_fee(changed.fee_terms(FEE_UNIT), Price(1), Quantity(1), is_taker=True)
    venue.fee_changes.append(change)
    schedule.add(change.scheduled, lambda: _change(venue, change))


def _change(venue: Venue, change: FeeChange) -> None:
    """In force now, also for what rests: reservations follow, what lacks cover is cancelled."""
    spec = msgspec.structs.replace(
        venue.series[change.series_ticker],
        fee_type=change.fee_type,
        fee_multiplier_bps=change.fee_multiplier_bps,
    )
    venue.series[spec.ticker] = spec
    for market in venue.markets.values():
        if market.spec.ticker != spec.ticker or not market.is_open:
            continue
        market.fees = spec.fee_terms(venue.config.fee_trade_unit)
        for name in market.participants:
            account = venue.accounts[name]
            venue.refresh(market, account.records[market.ticker])
            venue.enforce_margin(account, spec.shard)
            venue.changed_balance(account)
