"""The actors `feed:market` and `feed:spot`: see `core.roles.feed` and `core.roles.spot`."""

from __future__ import annotations

from actors.host import RoleActor


class MarketFeedActor(RoleActor):
    """Turns frames of the exchange into pictures of its markets."""


class SpotFeedActor(RoleActor):
    """Turns quotes of spot venues into one price."""
