"""The actor `execution`: see `core.roles.execution` for what it decides."""

from __future__ import annotations

from actors.host import RoleActor


class ExecutionActor(RoleActor):
    """Submits, follows and asks about orders."""
