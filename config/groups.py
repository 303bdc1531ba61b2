"""Every setting, by group, in the order in which people meet them."""

from __future__ import annotations

from config.running import LocalExchange, Machine, Timing
from config.trading import Trading, Venue

GROUPS = (Venue, Trading, Timing, LocalExchange, Machine)
