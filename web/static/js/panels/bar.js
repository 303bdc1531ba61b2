// The status bar: whose money, what state and why, which window, what it is worth, the buttons.
import { html } from "../ui.js";
import { useEngineClock } from "../clock.js";
import { clock, countdown, DASH, gain, money, tone } from "../format.js";
import { TABS } from "../route.js";
import { store } from "../store.js";

const MODES = {
  local: ["LOCAL", "built-in exchange, no real money"],
  paper: ["PAPER", "real market, simulated fills"],
  live: ["LIVE", "real money"],
};
const STATES = {
  STARTING: ["starting", "◌"],
  DISARMED: ["disarmed", "○"],
  ACTIVE: ["active", "●"],
  REDUCING: ["paused", "◐"],
  HALTED: ["halted", "■"],
};

function Countdown({ market }) {
  const now = useEngineClock();
  const opens = Date.parse(market.open_at);
  const closes = Date.parse(market.close_at);
  const [label, left] = now < opens ? ["opens in", opens - now] : ["closes in", closes - now];
  const final = now >= closes - 60_000 && now < closes;
  if (now >= closes) return html`<div class="countdown"><small>closed</small><b>00:00</b></div>`;
  return html`<div class=${final ? "countdown final" : "countdown"}>
    <small>${final ? "final minute" : label}</small><b>${countdown(left)}</b>
  </div>`;
}

function UtcClock() {
  const now = useEngineClock();
  const known = store.engineAt > 0 && Number.isFinite(now);
  return html`<span class="utc">${known ? new Date(now).toISOString().slice(11, 19) : DASH} UTC</span>`;
}

/** The tabs, the clock, and what is about the page itself. */
export function Nav({ route, theme, switchTheme, sounding, flipSound, status }) {
  return html`<nav class="nav" aria-label="Pages">
    ${TABS.map(([name, text], place) => html`<a key=${name} href=${`#${name}`} title=${`${text} (${place + 1})`}
      aria-current=${route.name === name ? "page" : undefined}>${text}</a>`)}
    <span class="spring"></span>
    ${status && status.speed !== 1 && html`<span class="flag">time × ${status.speed}</span>`}
    <${UtcClock} />
    <button type="button" class="quiet" onClick=${flipSound} aria-pressed=${sounding} title="Sound on fills and critical alerts (S)"
      aria-label="sound">${sounding ? "♪ on" : "♪ off"}</button>
    <button type="button" class="quiet" onClick=${switchTheme} title="Light or dark (T)"
      aria-label=${`switch to the ${theme === "dark" ? "light" : "dark"} theme`}>${theme === "dark" ? "☾ dark" : "☀ light"}</button>
  </nav>`;
}

function Money({ account }) {
  const cells = [
    ["Equity", money(account?.equity), ""],
    ["Day P&L", gain(account?.daily_pnl), tone(account?.daily_pnl)],
    ["Cash", money(account?.cash), ""],
    ["At risk", money(account?.exposure), ""],
  ];
  return html`<dl class="totals">
    ${cells.map(
      ([name, value, colour]) =>
        html`<div key=${name}><dt>${name}</dt><dd class=${colour}>${value}</dd></div>`,
    )}
  </dl>`;
}

/** The window; with several series a choice of which is shown. */
function Window({ market, markets, choose }) {
  if (!market) return html`<div class="window"><small>market</small><b>none yet</b></div>`;
  return html`<div class="window">
    ${markets.length > 1
      ? html`<select aria-label="Series shown" value=${market.series}
          onChange=${(event) => choose(event.target.value)}>
          ${markets.map((row) => html`<option key=${row.series} value=${row.series}>${row.series}</option>`)}
        </select>`
      : html`<small>${market.series}</small>`}
    <b>${market.ticker.split("-")[1]}</b>
  </div>`;
}

const LOOKING = html`<div class="looking" role="note" title="Opened with the viewer's token: it may look, not command. The operator's link is printed by the daemon at its start.">
  <b>VIEW ONLY</b><small>this link may not command</small>
</div>`;

function Buttons({ status, halted, ask }) {
  const can = (name) => Boolean(status) && status.state !== name;
  return html`<nav class="buttons" aria-label="Trading">
    ${halted
      ? html`<button type="button" class="warn" onClick=${() => ask("reset")}>Reset breaker…</button>`
      : html`<button type="button" class="go" disabled=${!can("ACTIVE") || status?.state === "STARTING"}
          onClick=${() => ask("start")}>${status?.state === "REDUCING" ? "Resume" : "Start"}</button>`}
    <button type="button" disabled=${status?.state !== "ACTIVE"} onClick=${() => ask("pause")}>Pause</button>
    <button type="button" disabled=${!status || halted || status.state === "DISARMED"}
      onClick=${() => ask("stop")}>Stop</button>
    <button type="button" class="halt" onClick=${() => ask("halt")} title="Shift+H">HALT</button>
  </nav>`;
}

export function Bar({ status, market, markets, choose, account, locks, ask }) {
  const [mode, meaning] = MODES[status?.mode] ?? ["…", "connecting"];
  const [state, sign] = STATES[status?.state] ?? ["unknown", "?"];
  const halted = status?.state === "HALTED";
  const held = locks.filter((row) => row.active);
  return html`<header class=${`bar mode-${status?.mode ?? "none"}`}>
    <div class="mode" title=${meaning}><b>${mode}</b><small>${meaning}</small></div>
    <div class=${`state is-${state}`} role="status" title=${status?.state_reason}>
      <b><span class="sign">${sign}</span> ${status?.state ?? "NO DATA"}</b>${held.length > 0 && html` <span class="flag" title=${held.map((row) => row.reason).join("\n")}>▲ locked</span>`}
      <small>${status ? `${status.state_reason} · ${clock(status.state_since)}` : "waiting for the daemon"}</small>
    </div>
    <${Window} market=${market} markets=${markets} choose=${choose} />
    ${market && html`<${Countdown} market=${market} />`}
    <${Money} account=${account} />
    ${ask ? html`<${Buttons} status=${status} halted=${halted} ask=${ask} />` : LOOKING}
  </header>`;
}
