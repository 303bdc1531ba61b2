"""The actor `risk`: see `core.roles.risk` for what it decides."""

from __future__ import annotations

from actors.host import RoleActor


class RiskActor(RoleActor):
    """Keeps the books and decides on money."""
