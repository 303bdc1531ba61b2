"""In the dashboard's place of a backtest, with a second pair of ears: for what a report needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.messages import Message
    from core.research.report_facts import Collector
    from core.roles.base import HandlingRole
    from core.units import Nanos


class Listener:
    """Hears what the dashboard would hear, and passes it on to the tally."""

    def __init__(self, tally: HandlingRole, collector: Collector) -> None:
        self.name = tally.name
        self._tally = tally
        self._collector = collector

    def handle(self, message: Message, now: Nanos) -> Sequence[Message]:
        """As the tally answers: with nothing."""
        self._collector.hear(message, now)
        return self._tally.handle(message, now)

    def apply(self, event: Message) -> None:
        """As the tally does."""
        self._tally.apply(event)
