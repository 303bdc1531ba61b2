"""Commands that are imported when they are asked for: what one does not need, it does not load.

`status` needs no order book and `backtest` no web server: to load them all costs 1.3 s of CPU and
122 MB, the list of commands alone 0.1 s and 17 MB (`/usr/bin/time -v python run.py --help`).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import click
import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping


class Late(msgspec.Struct, frozen=True):
    """Where a command is to be found, and what the list of commands says of it."""

    where: str
    """`package.module:name`"""
    about: str
    """The first paragraph of its docstring; a test holds both together."""


class LateGroup(click.Group):
    """A group some of whose commands are still to be imported."""

    late: Mapping[str, Late]

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, imported or not."""
        return sorted({*super().list_commands(ctx), *self.late})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command itself, imported now if it was not."""
        if cmd_name in self.late:
            module, name = self.late[cmd_name].where.split(":")
            command = getattr(import_module(module), name)
            assert isinstance(command, click.Command)
            return command
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, of which none is imported for it."""
        shown = click.Group(commands=dict(self.commands))
        for name, found in self.late.items():
            shown.add_command(click.Command(name, help=found.about))
        shown.format_commands(ctx, formatter)
