"""Charts as SVG text: lines, bars and points with intervals, with axes that a person would draw.

Written out by hand because a report must be readable in light and dark and on paper from one file:
colours are classes of the page's style sheet, which a picture made by a plotting library cannot
follow. What is drawn is always also in a table beside it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING, Final

import msgspec

from core.units import SECOND

if TYPE_CHECKING:
    from collections.abc import Callable

WIDTH: Final = 720
HEIGHT: Final = 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 14, 12, 44
_TICKS: Final = 5
_FEW: Final = 14
"""Labels that fit beside each other; of more, every second, third, ... is shown."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One curve; `tone` 1 to 3 is its colour, `area` fills down to zero."""

    name: str
    xs: Sequence[float]
    ys: Sequence[float]
    tone: int = 1
    area: bool = False
    steps: bool = False


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """One bar; `note` is told when the pointer rests on it."""

    label: str
    value: float
    note: str = ""
    tone: int = 0
    """0: by its sign."""


class Dot(msgspec.Struct, frozen=True, kw_only=True):
    """A point with an interval."""

    x: float
    y: float
    low: float
    high: float
    note: str = ""


class _Scale(msgspec.Struct, frozen=True):
    """From values to pixels."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        span = self.high - self.low or 1.0
        return self.start + (value - self.low) / span * (self.end - self.start)


def ticks(low: float, high: float, count: int = _TICKS) -> list[float]:
    """Round numbers from below `low` to above `high`: steps of 1, 2, 2.5 or 5 times a power."""
    if not high > low:
        low, high = low - 1.0, high + 1.0
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * s for s in (1, 2, 2.5, 5, 10) if power * s >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(number * step, 12) for number in range(first, last + 1)]


def lines(title: str, curves: Sequence[Line], unit: str = "$") -> str:
    """Curves over time; xs are UTC nanoseconds."""
    xs = [x for curve in curves for x in curve.xs]
    ys = [y for curve in curves for y in curve.ys]
    if not xs:
        return _empty(title)
    marks = ticks(min(ys), max(ys))
    across = _Scale(min(xs), max(xs), _LEFT, WIDTH - _RIGHT)
    down = _Scale(marks[0], marks[-1], HEIGHT - _BOTTOM, _TOP)
    parts = [_rows(marks, down, unit), _dates(across), _zero(marks, down)]
    parts += [_curve(curve, across, down) for curve in curves]
    return _svg(title, parts, [(curve.name, curve.tone) for curve in curves])


def bars(title: str, values: Sequence[Bar], unit: str = "$") -> str:
    """Bars up and down from zero."""
    if not values:
        return _empty(title)
    marks = ticks(min(0.0, *(b.value for b in values)), max(0.0, *(b.value for b in values)))
    down = _Scale(marks[0], marks[-1], HEIGHT - _BOTTOM, _TOP)
    step = (WIDTH - _LEFT - _RIGHT) / len(values)
    parts = [_rows(marks, down, unit)]
    every = math.ceil(len(values) / _FEW)
    for number, bar in enumerate(values):
        left, top = _LEFT + number * step, down(max(bar.value, 0.0))
        tone = f"t{bar.tone}" if bar.tone else "up" if bar.value >= 0 else "down"
        height = max(abs(down(bar.value) - down(0.0)), 1.0 if bar.value else 0.0)
        parts.append(
            f'<rect class="{tone}" x="{left + step * 0.12:.1f}" y="{top:.1f}" '
            f'width="{step * 0.76:.1f}" height="{height:.1f}">'
            f"<title>{escape(bar.note or f'{bar.label}: {bar.value:,.2f}')}</title></rect>"
        )
        if number % every == 0:
            parts.append(_label(left + step / 2, bar.label))
    return _svg(title, [*parts, _zero(marks, down)], ())


def dots(title: str, series: Sequence[tuple[str, Sequence[Dot]]]) -> str:
    """Points in the unit square against its diagonal, with intervals; a colour a series."""
    if not any(points for _, points in series):
        return _empty(title)
    across = _Scale(0.0, 1.0, _LEFT, WIDTH - _RIGHT)
    down = _Scale(0.0, 1.0, HEIGHT - _BOTTOM, _TOP)
    marks = [0.0, 0.25, 0.5, 0.75, 1.0]
    parts = [_rows(marks, down, "")]
    parts += [_label(across(mark), f"{mark:g}") for mark in marks]
    parts.append(
        f'<line class="guide" x1="{across(0):.1f}" y1="{down(0):.1f}" '
        f'x2="{across(1):.1f}" y2="{down(1):.1f}"/>'
    )
    for tone, (_, points) in enumerate(series, 1):
        for dot in points:
            x = across(dot.x) + (tone - 1) * 5
            parts.append(
                f'<line class="l{tone}" x1="{x:.1f}" y1="{down(dot.low):.1f}" '
                f'x2="{x:.1f}" y2="{down(dot.high):.1f}"/>'
                f'<circle class="t{tone}" cx="{x:.1f}" cy="{down(dot.y):.1f}" r="4">'
                f"<title>{escape(dot.note)}</title></circle>"
            )
    return _svg(title, parts, [(name, tone) for tone, (name, _) in enumerate(series, 1)])


def _curve(curve: Line, across: Callable[[float], float], down: Callable[[float], float]) -> str:
    points: list[str] = []
    for number, (x, y) in enumerate(zip(curve.xs, curve.ys, strict=True)):
        if curve.steps and number:
            points.append(f"{across(x):.1f},{down(curve.ys[number - 1]):.1f}")
        points.append(f"{across(x):.1f},{down(y):.1f}")
    text = " ".join(points)
    drawn = f'<polyline class="l{curve.tone}" points="{text}"/>'
    if not curve.area:
        return drawn
    base = f"{across(curve.xs[-1]):.1f},{down(0):.1f} {across(curve.xs[0]):.1f},{down(0):.1f}"
    return f'<polygon class="a{curve.tone}" points="{text} {base}"/>{drawn}'


def _rows(marks: Sequence[float], down: Callable[[float], float], unit: str) -> str:
    return "".join(
        f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{down(mark):.1f}" '
        f'y2="{down(mark):.1f}"/><text class="tick end" x="{_LEFT - 8}" '
        f'y="{down(mark) + 4:.1f}">{_number(mark, unit)}</text>'
        for mark in marks
    )


def _zero(marks: Sequence[float], down: Callable[[float], float]) -> str:
    if not marks[0] <= 0.0 <= marks[-1]:
        return ""
    y = down(0.0)
    return f'<line class="axis" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'


def _dates(across: _Scale) -> str:
    """Five moments of the span, in UTC, as exact as the span asks for."""
    span = across.high - across.low
    form = "%m-%d %H:%M" if span < 4 * 86_400 * SECOND else "%Y-%m-%d"
    moments = [across.low + span * number / 4 for number in range(5 if span else 1)]
    return "".join(
        _label(
            across(at),
            datetime.fromtimestamp(at / SECOND, tz=UTC).strftime(form),
            "start" if not number else "end" if number == 4 else "mid",  # noqa: PLR2004 - the last
        )
        for number, at in enumerate(moments)
    )


def _label(x: float, text: str, anchor: str = "mid") -> str:
    y = HEIGHT - _BOTTOM + 18
    return f'<text class="tick {anchor}" x="{x:.1f}" y="{y}">{escape(text)}</text>'


def _number(value: float, unit: str) -> str:
    sign, size = "-" if value < 0 else "", abs(value)
    text = f"{size:,.0f}" if size >= 10 or size == int(size) else f"{size:g}"  # noqa: PLR2004 - digits
    return f"{sign}{unit}{text}" if unit == "$" else f"{sign}{text}{unit}"


def _svg(title: str, parts: Sequence[str], legend: Sequence[tuple[str, int]]) -> str:
    named = [(name, tone) for name, tone in legend if name] if len(legend) > 1 else []
    x, key = float(_LEFT), []
    for name, tone in named:
        key.append(
            f'<rect class="t{tone}" x="{x:.0f}" y="{HEIGHT - 14}" width="10" height="10"/>'
            f'<text class="tick" x="{x + 15:.0f}" y="{HEIGHT - 5}">{escape(name)}</text>'
        )
        x += 30 + 7 * len(name)
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">'
        f"{''.join(parts)}{''.join(key)}</svg>"
    )


def _empty(title: str) -> str:
    return f'<p class="empty">Nothing to draw: {escape(title.lower())} needs settled trades.</p>'
