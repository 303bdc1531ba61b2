"""Settings of the trips: when the system halts itself. The text of each is its help."""

from __future__ import annotations

from config.fields import Group, setting


class Trips(Group):
    """When the system halts itself"""

    feed_silent_seconds: float = setting(
        30.0,
        "no market data for so long while money is at risk",
        "seconds of the machine",
        ge=1,
        le=3_600,
    )
    sources_disagree_bps: float = setting(
        50.0,
        "prices of spot venues, or theirs and the index, this far apart",
        "basis points",
        gt=0,
        le=10_000,
    )
    sources_disagree_seconds: float = setting(
        10.0, "and for so long", "seconds of the machine", ge=0, le=3_600
    )
    index_missing_seconds: float = setting(
        5.0,
        "no print of the settlement index for so long in the final minute of a market that is held",
        "seconds of the machine",
        ge=1,
        le=60,
    )
    unknown_order_seconds: float = setting(
        60.0,
        "an order of which nobody knows for so long whether it exists",
        "seconds of the machine",
        ge=1,
        le=3_600,
    )
    max_rejects_in_a_row: int = setting(
        10,
        "so many orders refused by the exchange, none taken in between",
        "orders",
        ge=1,
        le=1_000,
    )
    max_unparsed_frames: int = setting(
        30,
        "so many frames of the stream within a minute that cannot be read",
        "frames",
        ge=1,
        le=100_000,
    )
    max_clock_skew_seconds: float = setting(
        1.0, "our clock this far from the exchange's", "seconds of the machine", gt=0, le=60
    )
    max_inbox_age_seconds: float = setting(
        3.0,
        "news of money waited so long in a mailbox before they were read",
        "seconds of the machine",
        gt=0,
        le=300,
    )
    memory_limit_megabytes: float = setting(
        2_000.0, "memory that the process may hold", "MB", ge=100, le=1_000_000
    )
    min_disk_free_megabytes: float = setting(
        200.0, "room that must stay on the disk of STATE_DIR", "MB", ge=1, le=1_000_000
    )
