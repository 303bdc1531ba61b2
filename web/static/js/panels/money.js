// The position of this window and its three endings; the account; how full the limits are.
import { html, memo } from "../ui.js";
import { Empty, Panel } from "../panel.js";
import { useEngineClock } from "../clock.js";
import { cents, clock, contracts, countdown, gain, money, number, percent, tone, words } from "../format.js";
import { windowName } from "../names.js";

const Ending = ({ name, value, strong }) => html`<div class=${strong ? "ending strong" : "ending"}>
  <small>${name}</small><b class=${tone(value)}>${gain(value)}</b>
</div>`;

/** Sell what is held: the dialog tells what the daemon says it would bring, anew every second. */
export const closeOf = (row) => ({
  path: `positions/${encodeURIComponent(row.ticker)}/close`,
  title: `Close the ${row.side.toUpperCase()} position of ${windowName(row.ticker)} ET`,
  button: "Sell now",
  tone: "warn",
  says: (status) =>
    `Sells at once all that is held then, as far as the book takes it; it never opens the other side, and what is not sold stays. ${status.mode === "live" ? "This is real money." : "No real money."}`,
  tells: (quote) => [
    ["Sells", `${contracts(quote.fillable_quantity)} contracts`],
    ["Average price", `${cents(quote.average_price)}¢, paid ${cents(row.average_price)}¢`],
    ["Fee", money(quote.fee)],
    ["Brings", money(quote.proceeds)],
    ["P&L realized by it", gain(quote.realized), tone(quote.realized)],
    [`Given up if ${row.side.toUpperCase()} wins`, money(quote.max_loss)],
    [`Saved if ${row.side.toUpperCase()} loses`, money(quote.max_gain)],
  ],
});

const Close = ({ row, ask }) => ask && html`<button type="button" class="small" title="Sell it before the window ends (Shift+C)" onClick=${() => ask(closeOf(row))}>Close…</button>`;

const Held = ({ row, ask, children }) => html`<div class="held">
  <span class="dim" title=${`${row.ticker}, closes at that time in New York`}>${windowName(row.ticker)}</span>
  <span class=${`side ${row.side}`}>${row.side.toUpperCase()}</span>
  <b>${contracts(row.contracts)}</b>
  ${children}<${Close} row=${row} ask=${ask} />
</div>`;

const Position = memo(({ row, ask }) => html`<article class="position">
  <${Held} row=${row} ask=${ask}><span class="dim">@ ${cents(row.average_price)}¢</span><span class="spring"></span><//>
  <div class="endings">
    <${Ending} name="P&L now" value=${row.pnl_now} strong />
    <${Ending} name="if YES" value=${row.pnl_if_yes} />
    <${Ending} name="if NO" value=${row.pnl_if_no} />
  </div>
  <dl class="facts">
    <div><dt>Cost</dt><dd>${money(row.cost)}</dd></div>
    <div><dt>Fees</dt><dd>${money(row.fees)}</dd></div>
    <div title="best bid for it, at which P&L now counts; while nobody bids, the last one there was"><dt>Mark</dt><dd>${row.bid === null ? "none" : `${cents(row.bid)}¢`}</dd></div>
    <div><dt>Break-even</dt><dd>${row.break_even === null ? "none" : `${cents(row.break_even)}¢`}</dd></div>
  </dl>
</article>`);

/** One line: a position in a market that is not the one shown. */
const Other = memo(({ row, ask }) => html`<article class="position brief" title=${`paid ${cents(row.average_price)}¢, if YES ${gain(row.pnl_if_yes)}, if NO ${gain(row.pnl_if_no)}, cost ${money(row.cost)}, fees ${money(row.fees)}`}>
  <${Held} row=${row} ask=${ask}><span class="spring"></span><b class=${tone(row.pnl_now)}>${gain(row.pnl_now)}</b><//>
</article>`);

export function Positions({ account, status, strategies, market, ask }) {
  const rows = account?.positions ?? [];
  const main = rows.find((row) => row.ticker === market?.ticker) ?? rows[0];
  const last = strategies.filter((row) => row.last_at).sort((a, b) => (a.last_at < b.last_at ? 1 : -1))[0];
  return html`<${Panel} id="position" title=${rows.length > 1 ? `Positions · ${rows.length}` : "Position"} at=${status ? status.timestamp : null}>
    ${rows.length
      ? html`<${Position} key=${main.ticker} row=${main} ask=${ask} />
          ${rows.filter((row) => row !== main).map((row) => html`<${Other} key=${row.ticker} row=${row} ask=${ask} />`)}`
      : html`<${Empty} title="No open position">
          ${last ? `${last.name} last said: ${words(last.last_gate)}` : "No strategy has decided anything yet."}
        <//>`}
  <//>`;
}

const UNITS = { dollars: money, share: percent, count: (value) => number(value) };

const Gauge = memo(({ row }) => {
  const show = UNITS[row.unit];
  const level = row.share >= 1 ? "full" : row.share >= 0.75 ? "near" : "";
  return html`<div class=${`gauge ${level}`}>
    <span>${row.name}</span>
    <meter min="0" max="1" value=${Math.min(1, row.share)} aria-hidden="true"></meter>
    <span class="figures">${show(row.used)} <i>of ${show(row.limit)}</i></span>
  </div>`;
});

const clearOf = (row) => ({
  path: `locks/${encodeURIComponent(row.name)}/clear`,
  title: `Clear the lock ${row.name}`,
  button: "Clear the lock",
  tone: "warn",
  needsReason: true,
  says: () => `${sentence(row.reason)}. Cleared, ${row.scope === "all" ? "everything" : row.scope} may trade again at once, within the other limits; the protection counts anew from now on.`,
});

const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);

function Lock({ row, ask }) {
  const left = Date.parse(row.until) - useEngineClock();
  return html`<li class="lock">
    <b>▲ ${words(row.protection)}</b><span class="dim">${row.scope === "all" ? "all series" : row.scope}</span>
    <span class="spring"></span><span class="warn" title=${`until ${clock(row.until)} UTC`}>${countdown(left)} left</span>
    ${ask && html`<button type="button" class="small" onClick=${() => ask(clearOf(row))}>Clear…</button>`}
    <small>${row.reason}</small>
  </li>`;
}

/** What the protections pause, and how it ends. */
function Locks({ locks, ask }) {
  const held = locks.filter((row) => row.active);
  const over = locks.filter((row) => !row.active).at(-1);
  return html`<div class="locks" title="What the protections pause after a run of losses">
    ${held.length
      ? html`<ul>${held.map((row) => html`<${Lock} key=${row.name} row=${row} ask=${ask} />`)}</ul>`
      : html`<div class="gauge"><span>Locks</span><span class="figures">none holds</span></div>
          ${over && html`<small>Last: ${words(over.protection)} at ${clock(over.set_at)}, ${over.ended}</small>`}`}
  </div>`;
}

export function Account({ account, status, locks, ask }) {
  const metrics = status?.risk_metrics;
  return html`<${Panel} id="account" title="Account and limits" at=${status ? status.timestamp : null}>
    ${account
      ? html`<div class="gauges">
            ${account.gauges.map((row) => html`<${Gauge} key=${row.name} row=${row} />`)}
          </div>
          <${Locks} locks=${locks} ask=${ask} />
          <dl class="facts wide">
            <div title="after all fees"><dt>Realized</dt><dd class=${tone(account.realized_pnl)}>${gain(account.realized_pnl)}</dd></div>
            <div><dt>Cash</dt><dd>${money(account.cash)}</dd></div>
            <div><dt>Fees</dt><dd>${money(account.fees)}</dd></div>
            <div title="set aside for orders that rest"><dt>Reserved</dt><dd>${money(account.reserved)}</dd></div>
            <div><dt>Win rate</dt><dd>${percent(metrics?.win_rate, 0)}</dd></div>
            <div><dt>Per trade</dt><dd class=${tone(metrics?.ev_per_trade)}>${gain(metrics?.ev_per_trade)}</dd></div>
          </dl>`
      : html`<${Empty} title="No account yet">The books are not reconciled with the exchange.<//>`}
  <//>`;
}
