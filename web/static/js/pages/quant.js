// The final mean as drawn and as computed; what Kelly makes of the book; edges over time left.
import { html } from "../ui.js";
import { Empty, Panel } from "../panel.js";
import { cents, money, number, percent, shortTicker, signed, words } from "../format.js";
import { Histogram } from "../svg.js";
import { newest } from "../store.js";

const MINUTES = Array.from({ length: 15 }, (_, place) => 14 - place);
const Fact = ({ name, children, why = "" }) => html`<div title=${why}><dt>${name}</dt><dd>${children}</dd></div>`;

const Mean = ({ row }) => html`<div class="mean">
  ${row.shares.length
    ? html`<${Histogram} row=${row} text=${(value) => number(value, row.digits)} />`
    : html`<${Empty} title="Nothing left to draw">All sixty prints are known.<//>`}
  <dl class="facts tiles">
    <${Fact} name="Monte-Carlo" why=${`${row.paths} paths, print by print`}>${percent(row.drawn, 1)} <i>± ${percent(row.standard_error, 1)}</i><//>
    <${Fact} name="Closed form, fat tails" why=${`Student's t of ${row.degrees}: what strategies use`}>${percent(row.fat, 1)}<//>
    <${Fact} name="Closed form, normal">${percent(row.normal, 1)}<//>
    <${Fact} name="Plain digital" why="on the last price instead of the mean: not this contract">${percent(row.plain, 1)}<//>
    <${Fact} name="Prints known">${row.known} of 60<//>
    <${Fact} name="Diffusion left">${number(row.effective_seconds, 0)} s<//>
    <${Fact} name="1-min sigma">${number(row.sigma_bps, 1)} bp<//>
    <${Fact} name="Regime">${words(row.regime)}<//>
  </dl>
</div>`;

const Kelly = ({ fair, row }) => html`<table class="list kelly">
  <thead><tr><th>Buy</th><th class="n">Price</th><th class="n">Fee</th><th class="n">Fair</th><th class="n">Edge</th><th class="n">Cautious</th><th class="n">Kelly</th><th class="n">Stake</th></tr></thead>
  <tbody>${fair.offers.map((offer) => html`<tr key=${offer.side}>
    <td><span class=${`side ${offer.side}`}>${offer.side.toUpperCase()}</span></td>
    <td class="n">${cents(offer.price)}¢</td><td class="n">${number(offer.fee * 100, 2)}¢</td>
    <td class="n">${cents(offer.probability)}¢</td>
    <td class="n">${signed(offer.raw_edge * 100, 1)}¢</td>
    <td class=${`n ${offer.edge >= fair.threshold ? "up" : ""}`}>${signed(offer.edge * 100, 1)}¢</td>
    <td class="n">${percent(offer.kelly, 1)}</td><td class="n">${money(offer.stake)}</td>
  </tr>`)}</tbody></table>
  <p class="note">Edge after fees; cautious: from the worse end of the range ${cents(fair.low)}–${cents(fair.high)}¢, to be at least ${cents(fair.threshold)}¢.
  Stake: ${percent(row?.kelly_share, 0)} of Kelly on a bankroll of ${money(row?.bankroll)}, before the caps of risk.</p>`;

/** Nine steps of colour; the number in the cell says the same. */
const shade = (edge, threshold) => {
  if (edge === null) return "none";
  const step = Math.min(4, Math.ceil(Math.abs(edge) / Math.max(threshold / 2, 0.005)));
  return `${edge < 0 ? "minus" : "plus"}${step}`;
};

const Heat = ({ rows, threshold }) => html`<table class="heat">
  <thead><tr><th>Window ET</th>${MINUTES.map((minute) => html`<th key=${minute}>${minute}</th>`)}</tr></thead>
  <tbody>${rows.map((row) => html`<tr key=${row.ticker}><th scope="row">${shortTicker(row.ticker)}</th>
    ${MINUTES.map((minute) => html`<td key=${minute} class=${shade(row.cells[minute], threshold)}>${row.cells[minute] === null ? "" : signed(row.cells[minute] * 100, 1)}</td>`)}
  </tr>`)}</tbody></table>
  <p class="note">Mean of the larger edge in each minute, cents after fees, by full minutes left.</p>`;

export default function Quant({ state, market, fair, status }) {
  const row = market ? state.quant?.get(market.series) : null;
  const edges = newest(state.edge).filter((one) => one.series === market?.series).slice(0, 24);
  const now = fair?.ticker === market?.ticker ? fair : null;
  return html`
    <${Panel} id="mean" title=${`Final mean against the strike${row ? ` · ${shortTicker(row.ticker)} ET` : ""}`} at=${row ? row.at : null} limit=${30 * Math.max(1, status?.speed ?? 1)}>
      ${!row
        ? html`<${Empty} title="No window is open">The distribution is drawn every few seconds while one is.<//>`
        : row.gate
          ? html`<${Empty} title="No fair value">${words(row.gate)}<//>`
          : html`<${Mean} row=${row} />`}<//>
    <${Panel} id="kelly" title="Kelly" at=${now ? now.at : null} limit=${10 * Math.max(1, status?.speed ?? 1)}>
      ${now?.offers.length ? html`<${Kelly} fair=${now} row=${row} />` : html`<${Empty} title="No offer to judge">${now?.gate ? words(now.gate) : "The book has nothing to buy, or waits for a snapshot."}<//>`}<//>
    <${Panel} id="heat" title="Edge over time left" at=${status ? status.timestamp : null}>
      ${edges.length ? html`<${Heat} rows=${edges} threshold=${fair?.threshold ?? 0.03} />` : html`<${Empty} title="No minute is over yet">Each full minute of a window adds a cell.<//>`}<//>`;
}
