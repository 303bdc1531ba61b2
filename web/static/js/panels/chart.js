// The chart of the running window: where the price stands, and what model and market make of it.
import { html } from "../ui.js";
import { Empty, Panel } from "../panel.js";
import { cents, number, signed, words } from "../format.js";
import { engineNow, newest } from "../store.js";
import { WindowCharts, join, placed } from "../window-charts.js";

const REDRAW_MS = 400;
/** @type {{ticker: string, theme: string, at: number, picture: any}} */
let kept = { ticker: "", theme: "", at: 0, picture: null };

/** The picture of the charts, made anew a few times a second: its lines are long. */
function view(props) {
  const now = performance.now();
  const same = kept.ticker === props.market.ticker && kept.theme === props.theme;
  if (!same || now - kept.at > REDRAW_MS) {
    kept = { ticker: props.market.ticker, theme: props.theme, at: now, picture: picture(props) };
  }
  return kept.picture;
}

/** What the charts look at. */
function picture({ market, index, quote, forecast, fills }) {
  const from = Date.parse(market.open_at) / 1000;
  const to = Date.parse(market.close_at) / 1000;
  const points = (lines, name) => lines?.get(name) ?? [];
  const price = join(
    [
      { points: points(index, `${market.series}:spot`), column: 1 },
      { points: points(index, `${market.series}:index`), column: 1 },
    ],
    from,
    to,
  );
  const told = points(quote, `${market.series}:quote`);
  const fair = points(forecast, market.series);
  const quotes = join(
    [
      { points: told, column: 1 },
      { points: told, column: 2 },
      // low, high, fair, and the edges of YES and NO
      ...[2, 3, 1, 4, 5].map((column) => ({ points: fair, column })),
    ],
    from,
    to,
  );
  const own = newest(fills).filter((fill) => fill.ticker === market.ticker);
  return { market, span: [from, to], price, quotes, fills: own, onIndex: placed(price), at: () => engineNow() / 1000 };
}

function Reading({ market }) {
  const { digits } = market;
  const final = market.phase === "final_minute" || market.known > 0;
  return html`<div class="reading">
    <div><small>${market.index_source === "composite" ? "Spot (no index)" : "Index"}</small>
      <b class="big">${number(market.index, digits)}</b></div>
    <div><small>Strike</small><b>${number(market.strike, digits)}</b></div>
    <div><small>Distance</small><b class=${market.distance > 0 ? "up" : market.distance < 0 ? "down" : ""}>
      ${signed(market.distance, digits)} <i>${signed(market.distance_bps, 1)} bp</i></b></div>
    <div><small>Ahead</small>${market.ahead ? html`<b><span class=${`side ${market.ahead}`}>${market.ahead.toUpperCase()}</span></b>` : html`<b>–</b>`}</div>
    <div><small>1-min sigma</small><b>${number(market.sigma_bps, 1)} bp <i>${market.warm ? market.regime : market.warm_in ? `warm in ${number(market.warm_in, 0)} s` : "warming up"}</i></b></div>
    ${final
      ? html`<div class="settling final"><small><b>${market.known} of 60</b> prints known, mean ${number(market.known_mean, digits)}</small>
          <b>${market.needed_mean === null ? "all known" : `YES needs ≥ ${number(market.needed_mean, digits)}`}</b></div>`
      : html`<div class="settling"><small>Settles on</small><b><i>mean of the last 60 prints</i></b></div>`}
  </div>`;
}

const LEGEND = html`<span class="legend">
  <span class="key index">index</span><span class="key spot">spot</span>
  <span class="key bid">bid</span><span class="key ask">ask</span><span class="key fair">fair</span>
  <span class="key cone">1σ to close</span><span class="key yes">▲ bought YES</span><span class="key no">▼ bought NO</span>
</span>`;

const Edge = ({ side, offer, threshold }) => html`<div class=${offer && offer.edge >= threshold ? "reaches" : ""} title="after fees, from the worse end of the range; ✓ over the threshold">
  <small>Edge ${side}</small><b>${offer ? html`${signed(offer.edge * 100, 1)}¢ <i>at ${cents(offer.price)}</i>` : "–"}
  ${offer && offer.edge >= threshold ? html`<span title="over the threshold">✓</span>` : ""}</b>
</div>`;

/** Model against market in words: it stands between the two charts. */
function Versus({ row, ticker, book, wait }) {
  const fair = row?.ticker === ticker ? row : null;
  const offer = (side) => fair?.offers.find((one) => one.side === side);
  return html`<div class="reading versus">
    <h3>Fair against market</h3>
    <div><small>Fair</small><b class="fair">${fair?.gate ? `${words(fair.gate)}${fair.gate === "not_warm" && wait ? `: ${number(wait, 0)} s of prices to go` : ""}` : html`${cents(fair?.fair)}¢ <i>${cents(fair?.low)}–${cents(fair?.high)}</i>`}</b></div>
    <div><small>Market</small><b>${cents(book?.bid)} / ${cents(book?.ask)}¢</b></div>
    <${Edge} side="YES" offer=${offer("yes")} threshold=${fair?.threshold} />
    <${Edge} side="NO" offer=${offer("no")} threshold=${fair?.threshold} />
    <div><small>Threshold</small><b>${cents(fair?.threshold)}¢</b></div>
  </div>`;
}

export function Chart(props) {
  const { market, freshness, fair, book } = props;
  if (!market) {
    return html`<${Panel} id="chart" title="Price against strike">
      <${Empty} title="No window listed">Waiting for the exchange to list a market of this series.<//>
    <//>`;
  }
  const middle = html`<${Versus} row=${fair} ticker=${market.ticker} wait=${market.warm_in} book=${book?.ticker === market.ticker ? book : null} />`;
  return html`<${Panel} id="chart" title="Price against strike" at=${market.index_at}
      limit=${freshness?.index} extra=${LEGEND}>
    <${Reading} market=${market} />
    <${WindowCharts} picture=${view(props)} middle=${middle} theme=${props.theme} />
  <//>`;
}
