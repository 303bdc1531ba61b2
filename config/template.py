"""The text of `default.toml`, made from the settings themselves.

Run `python -m config.template > config/default.toml` after a change of a setting; a test compares.
"""

from __future__ import annotations

import json
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from config.fields import allowed_text, unit_of
from config.groups import GROUPS
from config.sources import CONFIG, PARAMETERS

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

_HEAD = """\
# Every setting with its default. Copy what you change to var/quarterhour.toml (or to a file that
# QUARTERHOUR_CONFIG names). The environment and .env win over TOML, the command line over both;
# there each name is in capitals. An empty text means: not set. Seconds of the machine do not shrink
# when SPEED lets the market run faster; seconds of the market do.
"""
_TAIL = """\
# --- Parameters of strategies: one table each, names as in its Params -----------------------------
# [strategy.kelly_volatility]
# min_edge = 0.04
"""
_WIDTH = 100


def render() -> str:
    """The whole file. It can be read as it stands, and then changes nothing."""
    parts = [_HEAD]
    for group in GROUPS:
        heading = f"# --- {group.__doc__} "
        parts.append(heading.ljust(_WIDTH, "-") + "\n")
        parts += [
            _entry(name, field)
            for name, field in group.model_fields.items()
            if name not in (PARAMETERS, CONFIG)
        ]
    return "\n".join([*parts, _TAIL])


def _entry(name: str, field: FieldInfo) -> str:
    help_text = field.description or ""
    unit = f"Unit: {unit}. " if (unit := unit_of(field)) else ""
    lines = [
        *_comment(f"{help_text[:1].upper()}{help_text[1:]}."),
        *_comment(f"{unit}Allowed: {allowed_text(field)}."),
        f"{name} = {_toml(field.default)}",
    ]
    return "\n".join(lines) + "\n"


def _comment(text: str) -> list[str]:
    return textwrap.wrap(
        text,
        width=_WIDTH,
        initial_indent="# ",
        subsequent_indent="# ",
        break_on_hyphens=False,
        break_long_words=False,
    )


def _toml(value: object) -> str:
    """A default as TOML; not set is an empty text."""
    if value is None:
        return '""'
    if isinstance(value, tuple):
        return json.dumps(list(value))
    return json.dumps(str(value) if isinstance(value, Path) else value)


if __name__ == "__main__":
    sys.stdout.write(render())
