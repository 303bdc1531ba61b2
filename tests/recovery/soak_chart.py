"""The chart of a soak: memory, threads, handles and mailboxes over hours, as SVG."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.recovery.soak import Sample

_WIDTH: Final = 860
_HEIGHT: Final = 150
_LEFT: Final = 70
_LINES: Final = (
    ("rss_mb", "memory, MB"),
    ("threads", "threads"),
    ("handles", "file handles"),
    ("waiting", "messages waiting"),
)


def chart(samples: Sequence[Sample]) -> str:
    """One pane for each quantity, from zero, so that growth is not made to look larger."""
    panes = [_pane(samples, name, title, row) for row, (name, title) in enumerate(_LINES)]
    height = _HEIGHT * len(_LINES)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        f'font-family="sans-serif" font-size="12" fill="#333">'
        f'<rect width="{_WIDTH}" height="{height}" fill="white"/>{"".join(panes)}</svg>\n'
    )


def _pane(samples: Sequence[Sample], name: str, title: str, row: int) -> str:
    top, bottom = row * _HEIGHT + 30, (row + 1) * _HEIGHT - 25
    values = [float(getattr(sample, name)) for sample in samples]
    most = max([*values, 1.0]) * 1.1
    last = max(samples[-1].at, 1e-9)
    points = " ".join(
        f"{_LEFT + (_WIDTH - _LEFT - 20) * sample.at / last:.1f},"
        f"{bottom - (bottom - top) * value / most:.1f}"
        for sample, value in zip(samples, values, strict=True)
    )
    right = _WIDTH - 20
    return (
        f'<text x="{_LEFT}" y="{top - 10}" font-weight="bold">{title}</text>'
        f'<text x="{_LEFT - 8}" y="{top + 4}" text-anchor="end">{most:.0f}</text>'
        f'<text x="{_LEFT - 8}" y="{bottom + 4}" text-anchor="end">0</text>'
        f'<text x="{right}" y="{bottom + 18}" text-anchor="end">{last:.1f} h</text>'
        f'<path d="M{_LEFT} {top}V{bottom}H{right}" fill="none" stroke="#bbb"/>'
        f'<polyline points="{points}" fill="none" stroke="#1565c0" stroke-width="1.5"/>'
    )
