"""The protections as the settings have them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.domain.protections import Protection, ProtectionTerms, minutes

if TYPE_CHECKING:
    from config.settings import Settings


def protection_terms(settings: Settings) -> ProtectionTerms:
    """Look-backs and locks in the time of the market."""
    s = settings
    return ProtectionTerms(
        loss_burst=Protection(
            trades=s.loss_burst_trades,
            look_back=minutes(s.loss_burst_minutes),
            lock=minutes(s.loss_burst_lock_minutes),
        ),
        stop_guard=Protection(
            trades=s.stop_guard_trades,
            look_back=minutes(s.stop_guard_minutes),
            lock=minutes(s.stop_guard_lock_minutes),
        ),
        stop_share=s.stop_guard_share,
        low_profit=Protection(
            trades=s.low_profit_trades,
            look_back=minutes(s.low_profit_minutes),
            lock=minutes(s.low_profit_lock_minutes),
        ),
        least_profit=s.low_profit_least,
    )
