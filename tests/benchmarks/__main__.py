"""Run the benchmarks: `python -m tests.benchmarks [NAME ...] [--rounds N] [--json] [--list]`.

Finds every `bench_*.py` in this folder. Results go to standard output, progress to standard error.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.benchmarks.measure import Row

_FOLDER = Path(__file__).parent
_PREFIX = "bench_"


def names() -> list[str]:
    """The benchmarks that are there, without their prefix."""
    return sorted(path.stem.removeprefix(_PREFIX) for path in _FOLDER.glob(f"{_PREFIX}*.py"))


def table(results: Sequence[Row]) -> str:
    """Results for a person to read."""
    width = max(len(row.case) for row in results)
    lines = []
    for row in results:
        ratio = "" if row.ratio is None else f"{row.ratio:8.2f} x {row.against}"
        lines.append(f"  {row.case:<{width}} {row.value:>12,.2f} {row.unit:<10}{ratio}".rstrip())
    return "\n".join(lines)


@click.command()
@click.argument("wanted", nargs=-1)
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(min=1))
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of tables.")
@click.option("--list", "only_list", is_flag=True, help="Names of the benchmarks, and no more.")
def main(wanted: tuple[str, ...], rounds: int, *, as_json: bool, only_list: bool) -> None:
    """Run the benchmarks WANTED, or all."""
    known = names()
    if unknown := [name for name in wanted if name not in known]:
        msg = f"no benchmark {unknown[0]}; there are: {', '.join(known)}"
        raise click.UsageError(msg)
    if only_list:
        click.echo("\n".join(known))
        return
    results: dict[str, Sequence[Row]] = {}
    for name in wanted or known:
        module = importlib.import_module(f"tests.benchmarks.{_PREFIX}{name}")
        click.echo(f"{name}: {module.TITLE} ({rounds} rounds)", err=True)
        results[name] = module.run(rounds)
        if not as_json:
            click.echo(f"{name}: {module.TITLE}\n{table(results[name])}\n")
    if as_json:
        click.echo(msgspec.json.encode(results))


if __name__ == "__main__":
    sys.exit(main())
