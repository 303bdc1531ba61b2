"""The actor `dashboard`: see `core.roles.dashboard` for what it decides."""

from __future__ import annotations

from actors.host import RoleActor


class DashboardActor(RoleActor):
    """Folds everything into frames for the screen."""
