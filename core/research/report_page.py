"""The page around a report: one file, styled for light, dark and paper, nothing fetched."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

STYLE: Final = """
:root { color-scheme: light dark; --ink: #1c2024; --dim: #5b6470; --page: #fff; --card: #f6f7f9;
  --rule: #d9dde3; --one: #1f6fd6; --two: #b3591b;
  --up: #177245; --down: #c0322b; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ee; --dim: #9aa4b1; --page: #14171b;
  --card: #1c2127; --rule: #333b45; --one: #6aa8f7; --two: #f0a063;
  --up: #4cc38a; --down: #ff7b72; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 860px; margin: 0 auto; padding: 24px 20px 60px; }
h1 { font-size: 24px; margin: 0 0 2px; } h2 { font-size: 18px; margin: 36px 0 6px; }
p { margin: 6px 0; }
.dim, figcaption { color: var(--dim); font-size: 13px; overflow-wrap: anywhere; }
.verdict { border-left: 4px solid var(--one); background: var(--card); padding: 12px 16px;
  margin: 16px 0; font-size: 16px; }
.verdict.bad { border-color: var(--down); } .verdict.good { border-color: var(--up); }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(130px, 1fr)); gap: 10px; }
.card { background: var(--card); padding: 10px 12px; border-radius: 6px; }
.card b { display: block; font-size: 18px; font-variant-numeric: tabular-nums; }
.card span { color: var(--dim); font-size: 12px; }
figure { margin: 10px 0; } svg { width: 100%; height: auto; display: block; }
.grid { stroke: var(--rule); stroke-width: 1; } .axis { stroke: var(--dim); stroke-width: 1; }
.guide { stroke: var(--dim); stroke-dasharray: 4 4; }
.tick { fill: var(--dim); font-size: 12px; } .end { text-anchor: end; }
.mid { text-anchor: middle; }
polyline { fill: none; stroke-width: 2; stroke-linejoin: round; }
.l1 { stroke: var(--one); } .l2 { stroke: var(--two); } .l3 { stroke: var(--down); }
.t1 { fill: var(--one); } .t2 { fill: var(--two); } .t3 { fill: var(--down); }
.a1, .a2, .a3 { stroke: none; opacity: .18; } .a1 { fill: var(--one); } .a2 { fill: var(--two); }
.a3 { fill: var(--down); } .up { fill: var(--up); } .down { fill: var(--down); }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: 13px; width: 100%; }
th, td { padding: 4px 8px; text-align: right; border-bottom: 1px solid var(--rule);
  font-variant-numeric: tabular-nums; white-space: nowrap; }
th { color: var(--dim); font-weight: 600; } th:first-child, td:first-child { text-align: left; }
td.minus { color: var(--down); } summary { cursor: pointer; color: var(--dim); font-size: 13px; }
.empty { color: var(--dim); background: var(--card); padding: 12px; border-radius: 6px; }
@media print { :root { --ink: #000; --page: #fff; --card: #f4f4f4; --dim: #444; --rule: #bbb;
  --one: #1f6fd6; --two: #b3591b; --up: #177245; --down: #c0322b; }
  main { max-width: none; padding: 0; } section, figure, tr { break-inside: avoid; } }
"""


def page(title: str, under: str, sections: Iterable[str]) -> str:
    """The whole file."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><main>"
        f'<header><h1>{escape(title)}</h1><p class="dim">{escape(under)}</p></header>'
        f"{''.join(sections)}</main></body></html>\n"
    )


def section(heading: str, *parts: str) -> str:
    """One part of the report."""
    return f"<section><h2>{escape(heading)}</h2>{''.join(parts)}</section>"


def verdict(sentence: str, tone: str = "") -> str:
    """The sentence that matters; tone `good`, `bad` or none."""
    return f'<p class="verdict {tone}"><strong>Verdict.</strong> {escape(sentence)}.</p>'


def cards(values: Iterable[tuple[str, str]]) -> str:
    """Figures side by side: name and text."""
    inside = "".join(
        f'<div class="card"><b>{escape(text)}</b><span>{escape(name)}</span></div>'
        for name, text in values
    )
    return f'<div class="cards">{inside}</div>'


def figure(drawing: str, caption: str) -> str:
    """A chart and what it says."""
    return f"<figure>{drawing}<figcaption>{escape(caption)}</figcaption></figure>"


def text(words: str) -> str:
    """A paragraph."""
    return f"<p>{escape(words)}</p>"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], folded: str = "") -> str:
    """A table; folded away under a line of text where it only repeats a figure."""
    top = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    drawn = (
        f'<div class="scroll"><table><thead><tr>{top}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )
    return f"<details><summary>{escape(folded)}</summary>{drawn}</details>" if folded else drawn


def _cell(value: str) -> str:
    is_loss = value.startswith(("-$", "-")) and value[1:2] in tuple("$0123456789")
    return f'<td class="minus">{escape(value)}</td>' if is_loss else f"<td>{escape(value)}</td>"
