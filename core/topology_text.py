"""The topology as text and as JSON, for `run.py topology`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from core.topology import CONFLATE, CONTROL, ROUTES, SPECS, WRITERS
from core.units import SECOND

if TYPE_CHECKING:
    from core.messages import Message


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def topology(*, as_json: bool) -> None:
    """Print who gets which message, who writes which event, and how each role lives."""
    click.echo(json.dumps(topology_json()) if as_json else topology_text())


def topology_json() -> dict[str, dict[str, object]]:
    """Message type -> who gets it, who writes it, its lane, whether it conflates."""
    return {kind.__name__: _row(kind) for kind in ROUTES}


def topology_text() -> str:
    """The same as lines, and below it how each kind of role is started and supervised."""
    lines = [_line(kind) for kind in ROUTES]
    lines.append("")
    for name, spec in sorted(SPECS.items(), key=lambda item: item[1].order):
        policy = spec.restart
        lines.append(
            f"{name:12} starts {spec.order}, at most {policy.most} restarts in "
            f"{policy.within / SECOND:g} s, then {policy.exhausted.value}"
        )
    return "\n".join(lines)


def _row(kind: type[Message]) -> dict[str, object]:
    return {
        "to": ROUTES[kind],
        "writer": WRITERS.get(kind),
        "lane": "control" if kind in CONTROL else "normal",
        "conflates": kind in CONFLATE,
    }


def _line(kind: type[Message]) -> str:
    marks = [f"written by {WRITERS[kind]}"] if kind in WRITERS else []
    marks += ["control"] if kind in CONTROL else []
    marks += ["conflates"] if kind in CONFLATE else []
    suffix = f"  ({', '.join(marks)})" if marks else ""
    return f"{kind.__name__:20} -> {', '.join(ROUTES[kind])}{suffix}"
