"""How each kind of frame changes what is shown: the contract between role, hub and browser.

Hub and browser fold frames by this table alone, so a new kind of frame is a row class, its topic
here and a panel that emits it. The table travels in every snapshot.
"""

from __future__ import annotations

from typing import Final, Literal

from core.messages.base import Part

Fold = Literal["replace", "upsert", "points", "event", "archive"]
"""How a frame enters the picture.

`replace`: it is the whole picture of its topic. `upsert`: it replaces the row of the same key, a
new key is added at the end and the oldest leaves beyond `keep`. `points`: its `points` are added
to the line of the same key, the oldest leave beyond `keep`. `event`: it leaves no trace.
`archive`: kept aside for whoever asks for its key; streams and pictures do not carry it.
"""


class Topic(Part, frozen=True, kw_only=True):
    """How the frames of one topic are kept."""

    fold: Fold
    key: str = ""
    """Field that identifies a row or line."""
    keep: int = 1
    """Rows or points kept in memory."""
    first: int = 0
    """Newest rows sent on connect; 0: all that are kept."""


TOPICS: Final[dict[str, Topic]] = {
    "status_update": Topic(fold="replace"),
    "account": Topic(fold="replace"),
    "calibration": Topic(fold="replace"),
    "market": Topic(fold="upsert", key="series", keep=16),
    "book": Topic(fold="upsert", key="series", keep=16),
    "index": Topic(fold="points", key="line", keep=1_200),
    "quote": Topic(fold="points", key="line", keep=1_200),
    "fair": Topic(fold="upsert", key="series", keep=16),
    "forecast": Topic(fold="points", key="line", keep=1_200),
    "edge": Topic(fold="upsert", key="ticker", keep=64),
    "quant": Topic(fold="upsert", key="series", keep=16),
    "equity": Topic(fold="points", key="line", keep=1_200),
    "performance": Topic(fold="replace"),
    "replay": Topic(fold="archive", key="ticker", keep=96),
    "print": Topic(fold="upsert", key="trade_id", keep=60),
    "order": Topic(fold="upsert", key="trade_id", keep=1_000, first=100),
    "trade_execution": Topic(fold="upsert", key="fill_id", keep=500, first=100),
    "trading_signal": Topic(fold="event"),
    "decision": Topic(fold="upsert", key="id", keep=500, first=120),
    "strategy": Topic(fold="upsert", key="name", keep=64),
    "parameters": Topic(fold="upsert", key="name", keep=64),
    "window": Topic(fold="upsert", key="ticker", keep=200, first=50),
    "alert": Topic(fold="upsert", key="id", keep=200, first=50),
    "health": Topic(fold="upsert", key="actor", keep=64),
    "feed": Topic(fold="upsert", key="stream", keep=32),
    "lock": Topic(fold="upsert", key="name", keep=64),
    "limit": Topic(fold="upsert", key="bucket", keep=16),
    "meters": Topic(fold="replace"),
    "machine": Topic(fold="replace"),
}
