"""Markets: Kalshi's JSON and the records of the port."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from core.domain.windows import in_new_york
from core.exchange.listing import Market, MarketStatus, PriceRange
from core.exchange.records import Outcome
from core.exchange.wire import scalars as s
from core.exchange.wire.scalars import Fixed
from core.units import complement, format_price, format_quantity

if TYPE_CHECKING:
    from core.exchange.engine_types import MarketRow


class PriceRangeJson(msgspec.Struct, frozen=True, kw_only=True):
    """One element of `price_ranges`."""

    start: Fixed
    end: Fixed
    step: Fixed

    def read(self) -> PriceRange:
        """The record; raises ValueError when a number cannot be read."""
        return PriceRange(start=s.price(self.start), end=s.price(self.end), step=s.price(self.step))

    @classmethod
    def from_range(cls, part: PriceRange) -> PriceRangeJson:
        """The JSON of a record."""
        return cls(
            start=format_price(part.start), end=format_price(part.end), step=format_price(part.step)
        )


class CustomStrikeJson(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`custom_strike`: how many decimals the settlement mean keeps."""

    round_digits: str | int | None = None

    def digits(self) -> int | None:
        """The number of decimals; None where it is not given."""
        return None if self.round_digits is None else int(self.round_digits)


class MarketJson(msgspec.Struct, frozen=True, kw_only=True):
    """`Market` (kalshi.md 2.3). Fields without a default are the ones that we cannot do without."""

    ticker: str
    event_ticker: str
    status: MarketStatus
    open_time: str
    close_time: str
    price_ranges: tuple[PriceRangeJson, ...]
    yes_bid_dollars: Fixed
    yes_ask_dollars: Fixed
    result: str
    expiration_value: Fixed
    exchange_index: int = 0
    yes_bid_size_fp: Fixed = "0.00"
    yes_ask_size_fp: Fixed = "0.00"
    no_bid_dollars: Fixed = "0.0000"
    no_ask_dollars: Fixed = "1.0000"
    last_price_dollars: Fixed = "0.0000"
    volume_fp: Fixed = "0.00"
    volume_24h_fp: Fixed = "0.00"
    open_interest_fp: Fixed = "0.00"
    floor_strike: Fixed | None = None
    cap_strike: float | None = None
    custom_strike: CustomStrikeJson | None = None
    strike_type: str | None = "greater_or_equal"
    settlement_value_dollars: Fixed | None = None
    settlement_ts: str | None = None
    market_type: str = "binary"
    title: str = ""
    subtitle: str = ""
    yes_sub_title: str = ""
    no_sub_title: str = ""
    created_time: str = ""
    updated_time: str = ""
    expected_expiration_time: str | None = None
    expiration_time: str | None = None
    latest_expiration_time: str | None = None
    occurrence_datetime: str | None = None
    settlement_timer_seconds: int = 1
    notional_value_dollars: Fixed = "1.0000"
    previous_yes_bid_dollars: Fixed = "0.0000"
    previous_yes_ask_dollars: Fixed = "0.0000"
    previous_price_dollars: Fixed = "0.0000"
    can_close_early: bool = True
    rules_primary: str = ""
    rules_secondary: str = ""
    price_level_structure: str = "tapered_deci_cent"
    settlement_bounds_type: str = "default"
    settlement_floor_dollars: Fixed | None = None
    fee_waiver_expiration_time: str | None = None
    early_close_condition: str | None = None
    is_provisional: bool = False
    liquidity_dollars: Fixed = "0.0000"
    """Gone from the venue since 2026-10-01; clients from before still insist on it."""

    def read(self) -> Market:
        """The record; raises ValueError when a number or time cannot be read."""
        strike, decided = self.floor_strike, self.expiration_value
        return Market(
            ticker=self.ticker,
            event_ticker=self.event_ticker,
            series_ticker=self.event_ticker.partition("-")[0],
            status=self.status,
            opens=s.rfc3339(self.open_time),
            closes=s.rfc3339(self.close_time),
            strike=None if strike is None else s.index_value(strike),
            round_digits=self.custom_strike.digits() if self.custom_strike else None,
            result=Outcome(self.result) if self.result in set(Outcome) else None,
            settlement_value=None if decided == "" else s.index_value(decided),
            settled=s.rfc3339(self.settlement_ts) if self.settlement_ts else None,
            price_ranges=tuple(part.read() for part in self.price_ranges),
            yes_bid=s.price(self.yes_bid_dollars),
            yes_ask=s.price(self.yes_ask_dollars),
            yes_bid_size=s.quantity(self.yes_bid_size_fp),
            yes_ask_size=s.quantity(self.yes_ask_size_fp),
            last_price=s.price(self.last_price_dollars),
            volume=s.quantity(self.volume_fp),
            open_interest=s.quantity(self.open_interest_fp),
            shard=self.exchange_index,
        )

    @classmethod
    def from_row(cls, row: MarketRow) -> MarketJson:
        """The JSON of the local exchange's row, with every field that the real one sends."""
        digits = row.round_digits or 0
        value = row.settlement_value
        return cls(
            ticker=row.ticker,
            event_ticker=row.event_ticker,
            status=row.status,
            title=row.title,
            yes_sub_title=target_price(row),
            no_sub_title=target_price(row),
            created_time=s.format_rfc3339(row.created),
            updated_time=s.format_rfc3339(row.updated),
            open_time=s.format_rfc3339(row.opens),
            close_time=s.format_rfc3339(row.closes),
            expected_expiration_time=s.format_rfc3339(row.expected_expiration),
            occurrence_datetime=s.format_rfc3339(row.expected_expiration),
            expiration_time=s.format_rfc3339(row.latest_expiration),
            latest_expiration_time=s.format_rfc3339(row.latest_expiration),
            settlement_timer_seconds=row.settlement_timer_seconds,
            floor_strike=None if row.strike is None else s.index_number(row.strike),
            custom_strike=CustomStrikeJson(round_digits=str(digits)),
            result=row.result or "",
            expiration_value="" if value is None else s.format_index(value, digits),
            settlement_value_dollars=None if row.payout is None else format_price(row.payout),
            settlement_ts=None if row.settled is None else s.format_rfc3339(row.settled),
            price_level_structure=row.price_level_structure,
            price_ranges=tuple(PriceRangeJson.from_range(part) for part in row.price_ranges),
            yes_bid_dollars=format_price(row.yes_bid),
            yes_ask_dollars=format_price(row.yes_ask),
            no_bid_dollars=format_price(complement(row.yes_ask)),
            no_ask_dollars=format_price(complement(row.yes_bid)),
            yes_bid_size_fp=format_quantity(row.yes_bid_size),
            yes_ask_size_fp=format_quantity(row.yes_ask_size),
            last_price_dollars=format_price(row.last_price),
            volume_fp=format_quantity(row.volume),
            volume_24h_fp=format_quantity(row.volume),
            open_interest_fp=format_quantity(row.open_interest),
            rules_primary=rules(row),
            rules_secondary=rounding_rule(row),
            exchange_index=row.shard,
        )


def target_price(row: MarketRow) -> str:
    """`Target Price: $118.4213`, with thousands commas; `TBD` until the strike is known."""
    if row.strike is None:
        return "Target Price: TBD"
    whole, _, fraction = s.format_index(row.strike, row.round_digits or 0).partition(".")
    return f"Target Price: ${int(whole):,}.{fraction}"


def rules(row: MarketRow) -> str:
    """The contract's rule in words, with its index and its two minutes."""
    opens = in_new_york(row.opens).strftime("%H:%M %Z")
    closes = in_new_york(row.closes).strftime("%H:%M %Z on %b %d, %Y")
    return (
        f"Resolves to Yes if the average of the sixty {row.index_id} values of the minute before"
        f" {closes} is at least the average of those of the minute before {opens}, else to No."
    )


def rounding_rule(row: MarketRow) -> str:
    """How the settlement value is rounded, in words."""
    return f"The value is the mean of sixty prints, rounded to {row.round_digits or 0} decimals."
