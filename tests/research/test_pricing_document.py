"""Every number of `docs/pricing.md`: worked ones computed anew, measured ones measured anew.

What is measured needs the recordings; what takes minutes runs with WHOLE_TAPES=1.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from core.research.importers import import_recorded
from core.research.score import gather, scores
from core.research.score_fit import main as fit
from core.research.worked import BLOCKS, main, render

PAGE = Path(__file__).resolve().parents[2] / "docs" / "pricing.md"
WHOLE = pytest.mark.skipif(
    os.environ.get("WHOLE_TAPES") != "1", reason="takes minutes: set WHOLE_TAPES=1"
)


def page() -> str:
    return PAGE.read_text()


def cells(start: str) -> list[str]:
    """Cells of the table row that begins so."""
    (line,) = [line for line in page().splitlines() if line.startswith(f"| {start}")]
    return [cell.strip() for cell in line.strip("|").split("|")]


def numbers(text: str) -> list[float]:
    return [float(found.replace(",", "")) for found in re.findall(r"[-+]?\d[\d,]*\.?\d*", text)]


def test_every_worked_number_is_what_the_code_computes() -> None:
    assert render(page()) == page(), "python -m core.research.worked docs/pricing.md"


def test_every_computed_block_is_on_the_page_once() -> None:
    named = re.findall(r"<!-- worked: (\w+) -->", page())
    assert sorted(named) == sorted(BLOCKS)


def test_a_wrong_number_would_be_found(tmp_path: Path) -> None:
    copy = tmp_path / "pricing.md"
    copy.write_text(page().replace("| 249.50 | 25.78 bp | -0.778 | 0.2184", "| 249.50 | 65 %"))
    assert copy.read_text() != page()

    CliRunner().invoke(main, [str(copy)], catch_exceptions=False)

    assert copy.read_text() == page()


def test_text_between_blocks_is_left_alone() -> None:
    rendered = render(
        "a\n<!-- worked: ties -->\n<!-- end -->\nb\n<!-- worked: ties -->\n<!-- end -->\n"
    )

    assert rendered.count("\nb\n") == 1
    assert rendered.count("249.99995000, and") == 2


@pytest.mark.parametrize(
    ("series", "kind"),
    [("KXSOL15M", "minutes"), pytest.param("KXBTC15M", "books", marks=WHOLE)],
)
def test_the_scores_are_those_of_the_recordings(
    recorded: Path, tmp_path: Path, series: str, kind: str
) -> None:
    tape = tmp_path / "tape.parquet"
    import_recorded(recorded, series, tape, kind)
    (one,) = scores(gather([tape]))
    told = cells(f"{series} | 1,127" if series == "KXSOL15M" else f"{series} | 2,068")

    assert numbers(told[1]) == [one.scored.count, one.scored.windows]
    losses = one.scored.mean(lambda p, y: -np.log(np.clip(np.where(y > 0, p, 1 - p), 1e-4, 1)))
    for place, who in enumerate(("market", "model", "blend", "naive"), start=2):
        assert float(told[place]) == pytest.approx(losses[who], abs=6e-5)
    for place, ours in ((6, "model"), (7, "blend")):
        found = one.scored.difference(ours, "market")
        assert found is not None
        assert numbers(told[place]) == pytest.approx([found.value, found.low, found.high], abs=6e-5)


def test_the_figures_of_the_rhythm_are_those_of_its_command(recorded: Path) -> None:
    """The rhythm, the quickest of the commands; the others with WHOLE_TAPES=1."""
    said = CliRunner().invoke(fit, [str(recorded), "rhythm"], catch_exceptions=False).output
    told = page()
    for label in ("later part, no rhythm", "later part, rhythm that ships"):
        (line,) = [line for line in said.splitlines() if line.startswith(label)]
        for figure in numbers(line):
            assert f"{figure:.4f}" in told


@WHOLE
@pytest.mark.parametrize(
    ("command", "labels"),
    [
        ("settlement", ("KXSOL15M both     last  60", "KXSOL15M both     last 120")),
        ("settlement", ("KXSOL15M later    last 120", "KXBTC15M both     last 120")),
        ("market", ("all coins", "SOL: level", "DOGE: level", "KXBTC15M: gap to the model")),
        ("market", ("KXSOL15M: gap to", "KXBTC15M: the gap's change in 10 s", "KXBTC15M: sizes")),
    ],
)
def test_figures_of_long_commands_are_on_the_page(
    recorded: Path, command: str, labels: tuple[str, ...]
) -> None:
    said = CliRunner().invoke(fit, [str(recorded), command], catch_exceptions=False).output
    told = {abs(number) for number in numbers(page())}
    for label in labels:
        (line,) = [line for line in said.splitlines() if line.startswith(label)]
        interval = re.findall(r"[-+]\d\.\d{4,5}", line)[:3]
        assert {abs(float(figure)) for figure in interval} <= told, line
