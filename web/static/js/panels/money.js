// The position of this window and its three endings; the account; how full the limits are.
import { html, memo } from "../ui.js";
import { Empty, Panel } from "../panel.js";
import { useEngineClock } from "../clock.js";
import { cents, clock, contracts, countdown, gain, money, number, percent, shortTicker, tone, words } from "../format.js";

const Ending = ({ name, value, strong }) => html`<div class=${strong ? "ending strong" : "ending"}>
  <small>${name}</small><b class=${tone(value)}>${gain(value)}</b>
</div>`;

const Position = memo(({ row }) => html`<article class="position">
  <div class="held">
    <span class=${`side ${row.side}`}>${row.side.toUpperCase()}</span>
    <b>${contracts(row.contracts)}</b><span class="dim">@ ${cents(row.average_price)}¢</span>
    <span class="spring"></span>
    <span class="dim">${shortTicker(row.ticker)} ET</span>
  </div>
  <div class="endings">
    <${Ending} name="P&L now" value=${row.pnl_now} strong />
    <${Ending} name="if YES" value=${row.pnl_if_yes} />
    <${Ending} name="if NO" value=${row.pnl_if_no} />
  </div>
  <dl class="facts">
    <div><dt>Cost</dt><dd>${money(row.cost)}</dd></div>
    <div><dt>Fees</dt><dd>${money(row.fees)}</dd></div>
    <div><dt>Bid</dt><dd>${row.bid === null ? "none" : `${cents(row.bid)}¢`}</dd></div>
    <div><dt>Break-even</dt><dd>${row.break_even === null ? "none" : `${cents(row.break_even)}¢`}</dd></div>
  </dl>
</article>`);

export function Positions({ account, status, strategies }) {
  const rows = account?.positions ?? [];
  const last = strategies.filter((row) => row.last_at).sort((a, b) => (a.last_at < b.last_at ? 1 : -1))[0];
  return html`<${Panel} id="position" title="Position" at=${status ? status.timestamp : null}>
    ${rows.length
      ? rows.map((row) => html`<${Position} key=${row.ticker} row=${row} />`)
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
      ? html`<dl class="facts wide">
            <div title="after all fees"><dt>Realized</dt><dd class=${tone(account.realized_pnl)}>${gain(account.realized_pnl)}</dd></div>
            <div><dt>Unrealized</dt><dd class=${tone(account.unrealized_pnl)}>${gain(account.unrealized_pnl)}</dd></div>
            <div><dt>Fees</dt><dd>${money(account.fees)}</dd></div>
            <div><dt>Reserved</dt><dd>${money(account.reserved)}</dd></div>
            <div><dt>Win rate</dt><dd>${percent(metrics?.win_rate, 0)}</dd></div>
            <div><dt>Per trade</dt><dd class=${tone(metrics?.ev_per_trade)}>${gain(metrics?.ev_per_trade)}</dd></div>
          </dl>
          <div class="gauges">
            ${account.gauges.map((row) => html`<${Gauge} key=${row.name} row=${row} />`)}
          </div>
          <${Locks} locks=${locks} ask=${ask} />`
      : html`<${Empty} title="No account yet">The books are not reconciled with the exchange.<//>`}
  <//>`;
}
