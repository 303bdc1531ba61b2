"""`docs/configuration.md`, made from the settings themselves.

Run `python -m config.manual > docs/configuration.md` after a change of a setting; a test compares.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from config.effective import value_text
from config.fields import allowed_text, unit_of
from config.groups import GROUPS
from config.sources import PARAMETERS

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

_HEAD: Final = """\
# Configuration

Every setting, its default, and what it accepts. This page is made from the settings
(`python -m config.manual`), as are `config/default.toml` and the text of every fault.

A setting can stand in five places; the first that has it wins:

1. the command line (`--speed`, `--port`, ...: `python run.py trade --help`);
2. the environment: `MIN_EDGE=0.04 python run.py`;
3. `.env` in the current directory: `MIN_EDGE=0.04`, one a line;
4. a TOML file, `var/quarterhour.toml` or what `QUARTERHOUR_CONFIG` names: `min_edge = 0.04`;
5. the default below.

`python run.py config` prints the effective values and where each came from, secrets hidden. What is
wrong stops the start with one line for each fault: the variable, the value, what is allowed, the
nearest name. SIGHUP (`kill -HUP PID`) reads them again: `LOG_LEVEL` changes at once, whatever else
differs is named in the log and waits for a restart.

Seconds *of the machine* do not shrink when `SPEED` lets the local market run faster; seconds *of
the market* do.
"""
_TAIL: Final = """\
## Parameters of a strategy

`STRATEGY__<NAME>__<PARAM>`, in TOML a table `[strategy.<name>]`. Each strategy declares its own
with bounds (`Params` in its file under `core/strategies/`); a name or value that does not fit stops
the start like any other fault. `GET /api/strategies` and the page show what is in force.
"""


def render() -> str:
    """The whole page."""
    parts = [_HEAD]
    for group in GROUPS:
        rows = [
            _row(name, field) for name, field in group.model_fields.items() if name != PARAMETERS
        ]
        parts.append(
            "\n".join(
                [
                    f"## {group.__doc__}",
                    "",
                    "| variable | default | meaning | allowed |",
                    "|---|---|---|---|",
                    *rows,
                    "",
                ]
            )
        )
    return "\n".join([*parts, _TAIL])


def _row(name: str, field: FieldInfo) -> str:
    unit = f" ({unit})" if (unit := unit_of(field)) else ""
    shown = value_text("", field.default)
    default = f"`{shown}`" if shown else "not set"
    text = f"{field.description}{unit}".replace("|", "\\|")
    return f"| `{name.upper()}` | {default} | {text} | {allowed_text(field)} |"


if __name__ == "__main__":
    sys.stdout.write(render())
