"""The venue: can it be reached, does it trade, and are its terms those that we reckon with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from core.domain.fees import FeeTerms, UnknownFee, trade_fee
from core.domain.grid import TAPERED_DECI_CENT, GridError, price_grid
from core.exchange.doctor.diagnosis import Finding, fail, ok, warn
from core.exchange.listing import FeeType
from core.units import MILLISECOND, SECOND, Nanos, Price, Quantity, format_price

if TYPE_CHECKING:
    from collections.abc import Collection

    from core.exchange.listing import ExchangeStatus, Market, PriceRange, Series, ShardStatus
    from core.exchange.port import ExchangeError

REACHABLE: Final = "exchange reachable"
CLOCK: Final = "clock"
CLOCK_WARN: Final = Nanos(500 * MILLISECOND)
CLOCK_FAIL: Final = SECOND
"""More than this is a fault: signatures may be refused, and ages are wrong (kalshi.md 1.4)."""
_WHOLE: Final = 10_000
_SYNCHRONISE: Final = "synchronise this machine's clock (timedatectl set-ntp true)"
_STATUS_PAGE: Final = "wait; kalshi.com tells of incidents, and Thursdays 03:00-05:00 New York rest"


def reachable(url: str, taken: Nanos) -> Finding:
    """It answered."""
    return ok(REACHABLE, f"{url} answered in {taken // MILLISECOND} ms")


def unreachable(url: str, error: ExchangeError) -> Finding:
    """It did not."""
    return fail(
        REACHABLE,
        f"{url}: {error}",
        "check the network and the address (KALSHI_ENV, KALSHI_BASE_URL)",
    )


def skipped(check: str, why: str) -> Finding:
    """A check that could not be made."""
    return fail(check, f"not asked: {why}", "mend what stands above, and run the doctor again")


def unanswered(check: str, error: ExchangeError) -> Finding:
    """The question of one check was not answered."""
    return fail(check, f"no usable answer: {error}", "run the doctor again; if it stays, tell us")


def clock(lowest: Nanos, highest: Nanos) -> Finding:
    """How far the exchange's clock is ahead of ours: somewhere between these two.

    As small a difference as they allow is taken: the exchange tells whole seconds only.
    """
    nearest = max(lowest, min(0, highest))
    shown = f"the exchange is {_seconds(lowest)} to {_seconds(highest)} s ahead of this machine"
    if abs(nearest) > CLOCK_FAIL:
        return fail(CLOCK, shown, _SYNCHRONISE)
    if abs(nearest) > CLOCK_WARN:
        return warn(CLOCK, shown, _SYNCHRONISE)
    return ok(CLOCK, shown)


def unknown_clock() -> Finding:
    """The exchange told no time."""
    return warn(CLOCK, "the exchange told no time to compare with", _SYNCHRONISE)


# --- status ----------------------------------------------------------------------------------


def shards(status: ExchangeStatus, used: Collection[int]) -> tuple[Finding, ...]:
    """A finding for each shard; those that nothing of ours is traded on never warn."""
    listed = {shard.shard for shard in status.shards}
    wanted = sorted(listed | set(used))
    return tuple(_shard(status.of_shard(shard), used=shard in used) for shard in wanted)


def _shard(status: ShardStatus, *, used: bool) -> Finding:
    check = f"status of shard {status.shard}"
    flags = (
        ("exchange", status.exchange_active),
        ("trading", status.trading_active),
        ("transfers", status.transfers_active),
    )
    shown = ", ".join(f"{name} {'on' if flag else 'off'}" for name, flag in flags)
    if not used:
        return ok(check, f"{shown} (nothing of ours is traded there)")
    if not status.exchange_active:
        return fail(check, f"{shown}: not even cancels work", _STATUS_PAGE)
    if not status.trading_active:
        return warn(check, f"{shown}: no orders, cancels only", _STATUS_PAGE)
    if not status.transfers_active:
        return warn(check, f"{shown}: no cash can be moved to it", _STATUS_PAGE)
    return ok(check, shown)


# --- terms -----------------------------------------------------------------------------------


def fee_check(series: str) -> str:
    """The name of the check of one series' fees."""
    return f"fees of {series}"


def fees(series: Series) -> Finding:
    """The fee schedule: known to the cent, usual, or none that we can reckon with."""
    check = fee_check(series.ticker)
    multiplier = series.fee_multiplier_bps
    shown = f"{series.fee_type.value}, multiplier {multiplier / _WHOLE:g}, shard {series.shard}"
    terms = FeeTerms(fee_type=series.fee_type, multiplier_bps=multiplier)
    try:
        trade_fee(terms, Price(5_000), Quantity(100), is_taker=True)
    except UnknownFee as error:
        return fail(check, f"{shown}: {error}", f"take {series.ticker} out of SERIES")
    if series.fee_type is not FeeType.QUADRATIC or multiplier != _WHOLE:
        return warn(
            check,
            f"{shown}: not the usual schedule (takers 7 %, makers free)",
            "orders reckon with it; look whether MIN_EDGE still suits you",
        )
    return ok(check, shown)


def grid_check(series: str) -> str:
    """The name of the check of one series' prices."""
    return f"price grid of {series}"


def grid(series: Series, market: Market | None, unreadable: int) -> Finding:
    """The prices of the running or next market; `unreadable` rows of the list were left out."""
    check = grid_check(series.ticker)
    if market is None and unreadable:
        return fail(
            check,
            f"{unreadable} listed markets could not be read",
            "the exchange has changed its format: do not trade before an update",
        )
    if market is None:
        return warn(check, "no market is listed now", _STATUS_PAGE)
    try:
        price_grid(market.price_ranges)
    except GridError as error:
        return fail(check, f"{market.ticker}: {error}", "do not trade before an update")
    shown = f"{market.ticker}: {_shown(market.price_ranges)}"
    if market.shard != series.shard:
        return warn(
            check,
            f"{shown}; on shard {market.shard}, its series on {series.shard}",
            f"make sure that shard {market.shard} has cash: that is where its orders go",
        )
    if market.price_ranges != TAPERED_DECI_CENT:
        return warn(
            check,
            f"{shown}: not the usual grid",
            "orders keep to it; look whether the strategies' steps still suit it",
        )
    return ok(check, shown)


def _shown(ranges: tuple[PriceRange, ...]) -> str:
    return ", ".join(
        f"{format_price(r.start)}-{format_price(r.end)} by {format_price(r.step)}" for r in ranges
    )


# --- the index -------------------------------------------------------------------------------


def index_check(index_id: str) -> str:
    """The name of the check of one index."""
    return f"index {index_id}"


def index(index_id: str, age: Nanos, fresh: Nanos) -> Finding:
    """A print came, so old by its own time; `fresh` is how old it may be."""
    check, shown = index_check(index_id), f"a print came, {_seconds(age)} s old"
    if age > fresh:
        return warn(check, f"{shown}: older than INDEX_FRESH_SECONDS", _SYNCHRONISE)
    return ok(check, shown)


def no_index(index_id: str, why: str) -> Finding:
    """No print came."""
    return fail(
        index_check(index_id),
        why,
        "check that the key may use the stream's cfbenchmarks_value; without the index "
        "the daemon has only spot prices to go by",
    )


def _seconds(duration: Nanos) -> str:
    return f"{duration / SECOND:.2f}"
