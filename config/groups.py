"""Every setting, by group, in the order in which people meet them."""

from __future__ import annotations

from config.notices import Notices
from config.protections import Protections
from config.running import LocalExchange, Machine, Recording, Timing
from config.trading import Trading, Venue
from config.trips import Trips

GROUPS = (Venue, Trading, Protections, Trips, Timing, LocalExchange, Recording, Machine, Notices)
