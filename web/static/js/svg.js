// Small pictures from rows: bars, a curve with intervals. Positions only; the values are the engine's.
import { html } from "./ui.js";

const span = (values) => [Math.min(0, ...values), Math.max(0, ...values)];

/**
 * Bars from zero, one per `{label, value, text}`; up and down differ in colour and in the sign told.
 * @param {{rows: {label: string, value: number, text: string}[], title: string}} props
 */
export function Bars({ rows, title }) {
  const [low, high] = span(rows.map((row) => row.value));
  const tall = high - low || 1;
  const y = (value) => 10 + ((high - value) / tall) * 90;
  const wide = 380 / Math.max(rows.length, 8);
  return html`<svg class="bars" viewBox="0 0 380 126" role="img" aria-label=${title}>
    ${rows.map((row, place) => html`<g key=${row.label}>
      <title>${row.label}: ${row.text}</title>
      <rect class=${row.value < 0 ? "down" : "up"} x=${place * wide + 3} width=${Math.max(2, wide - 6)}
        y=${Math.min(y(row.value), y(0))} height=${Math.max(1, Math.abs(y(row.value) - y(0)))} />
      <text x=${place * wide + wide / 2} y="120" text-anchor="middle">${row.label}</text>
    </g>`)}
    <line class="zero" x1="0" x2="380" y1=${y(0)} y2=${y(0)} />
  </svg>`;
}

/** Reliability: forecast across, observed up, with the interval of each bin. */
export function Reliability({ sets }) {
  const at = (share) => 30 + share * 250;
  const up = (share) => 262 - share * 250;
  return html`<svg class="reliability" viewBox="0 0 290 290" role="img" aria-label="Reliability of model and market">
    <line class="diagonal" x1=${at(0)} y1=${up(0)} x2=${at(1)} y2=${up(1)} />
    ${[0, 0.25, 0.5, 0.75, 1].map((share) => html`<g key=${share}>
      <line class="grid" x1=${at(0)} x2=${at(1)} y1=${up(share)} y2=${up(share)} />
      <text x=${at(0) - 5} y=${up(share) + 3} text-anchor="end">${share * 100}</text>
      <text x=${at(share)} y=${up(0) + 14} text-anchor="middle">${share * 100}</text>
    </g>`)}
    <text x=${at(0.5)} y="287" text-anchor="middle">said, %</text>
    ${sets.map(({ name, bins, shift }) => html`<g key=${name} class=${name}>
      ${bins.map((bin) => html`<g key=${bin.low}>
        <title>${name}: said ${(bin.forecast * 100).toFixed(0)}%, came ${(bin.observed.value * 100).toFixed(0)}% (${(bin.observed.low * 100).toFixed(0)} to ${(bin.observed.high * 100).toFixed(0)}), ${bin.count} windows</title>
        <line x1=${at(bin.forecast) + shift} x2=${at(bin.forecast) + shift} y1=${up(bin.observed.low)} y2=${up(bin.observed.high)} />
        ${name === "model"
          ? html`<circle cx=${at(bin.forecast) + shift} cy=${up(bin.observed.value)} r="3.5" />`
          : html`<rect x=${at(bin.forecast) + shift - 3} y=${up(bin.observed.value) - 3} width="6" height="6" />`}
      </g>`)}
    </g>`)}
  </svg>`;
}

/** The drawn final mean: bars that pay YES right of the strike, NO left of it. */
export function Histogram({ row, text }) {
  const { low, step, shares, strike } = row;
  const most = Math.max(...shares, 1e-9);
  const wide = 880 / shares.length;
  const place = ((strike - low) / step) * wide;
  const at = Math.min(880, Math.max(0, place));
  const marks = [0, 0.25, 0.5, 0.75, 1];
  return html`<svg class="histogram" viewBox="0 0 880 300" role="img" aria-label="Distribution of the final mean against the strike">
    ${shares.map((share, bar) => {
      const tall = (share / most) * 240;
      const side = (bar + 0.5) * wide >= place ? "yes" : "no";
      return html`<rect key=${bar} class=${side} x=${bar * wide + 1} width=${wide - 2} y=${262 - tall} height=${tall}><title>${(share * 100).toFixed(2)}% of the paths</title></rect>`;
    })}
    <line class="strike" x1=${at} x2=${at} y1="6" y2="262" />
    <text class="strike" x=${at + (at > 700 ? -6 : 6)} y="16" text-anchor=${at > 700 ? "end" : "start"}>strike ${text(strike)}</text>
    ${marks.map((mark) => html`<text key=${mark} x=${mark * 880} y="282" text-anchor=${mark === 0 ? "start" : mark === 1 ? "end" : "middle"}>${text(low + mark * shares.length * step)}</text>`)}
  </svg>`;
}
