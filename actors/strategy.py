"""The actors `strategy:<name>`: see `core.roles.strategy` for what surrounds a strategy."""

from __future__ import annotations

from actors.host import RoleActor


class StrategyActor(RoleActor):
    """Runs one strategy; a defect in it takes down this actor and nobody else."""
