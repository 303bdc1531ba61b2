// The status bar: whose money, what state and why, which window, what it is worth, the buttons.
import { html } from "../ui.js";
import { useEngineClock } from "../clock.js";
import { cents, clock, contracts, countdown, DASH, gain, money, shortTicker, tone } from "../format.js";
import { TABS } from "../route.js";
import { coin } from "../names.js";
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
export function Nav({ route, theme, switchTheme, sounding, flipSound, status, markets, market, choose, books, account, feeds, help }) {
  return html`<nav class="nav" aria-label="Pages">
    ${TABS.map(([name, text], place) => html`<a key=${name} href=${`#${name}`} title=${`${text} (${place + 1})`}
      aria-current=${route.name === name ? "page" : undefined}>${text}</a>`)}
    <${Markets} markets=${markets} shown=${market} choose=${choose} books=${books} account=${account} />
    <span class="spring"></span>
    <${Healthy} status=${status} feeds=${feeds} />
    ${status && status.speed !== 1 && html`<span class="flag">time × ${status.speed}</span>`}
    <${UtcClock} />
    <button type="button" class="quiet" onClick=${flipSound} aria-pressed=${sounding} title="Sound on fills and critical alerts (S)"
      aria-label="sound">${sounding ? "♪ on" : "♪ off"}</button>
    <button type="button" class="quiet" onClick=${switchTheme} title="Light or dark (T)"
      aria-label=${`switch to the ${theme === "dark" ? "light" : "dark"} theme`}>${theme === "dark" ? "☾ dark" : "☀ light"}</button>
    <button type="button" class="quiet" onClick=${help} title="Keys and words (?)" aria-label="help">?</button>
  </nav>`;
}

function Money({ account }) {
  const cells = [
    ["Day P&L", gain(account?.daily_pnl), tone(account?.daily_pnl), "since midnight in New York, after fees"],
    ["Open P&L", gain(account?.unrealized_pnl), tone(account?.unrealized_pnl), "of what is held, at the bid"],
    ["Equity", money(account?.equity), "", "cash and what is held, at the bid"],
    ["At risk", money(account?.exposure), "", "what is held and what rests may cost at most"],
  ];
  return html`<dl class="totals">
    ${cells.map(
      ([name, value, colour, meaning]) =>
        html`<div key=${name} title=${meaning}><dt>${name}</dt><dd class=${colour}>${value}</dd></div>`,
    )}
  </dl>`;
}

/** The window that is shown, by its coin and its close in New York. */
function Window({ market }) {
  if (!market) return html`<div class="window"><small>market</small><b>none yet</b></div>`;
  return html`<div class="window" title=${market.ticker}>
    <small>${market.series} ${market.ticker.split("-")[1]}</small>
    <b>${coin(market.series)} ${shortTicker(market.ticker)} ET</b>
  </div>`;
}

const held = (account, market) => account?.positions.find((row) => row.ticker === market.ticker);

/** With several series: which of them is shown, with its price and what is held of it. */
function Markets({ markets, shown, choose, books, account }) {
  if (markets.length < 2) return null;
  return html`<span class="markets" role="group" aria-label="Market shown">
    ${markets.map((row) => {
      const book = books?.get(row.series);
      const own = held(account, row);
      return html`<button key=${row.series} type="button" aria-pressed=${row.series === shown?.series} onClick=${() => choose(row.series)}
        title=${`${row.series}; [ and ] go from one to the next`}>
        ${coin(row.series)} <i>${book?.ticker === row.ticker ? `${cents(book.bid)}/${cents(book.ask)}¢` : DASH}</i>${own && html` <span class=${`side ${own.side}`}>${own.side.toUpperCase()} ${contracts(own.contracts)}</span>`}
      </button>`;
    })}
  </span>`;
}

/** Whether everything lives: the daemon's own judgement, and what is not well. */
function Healthy({ status, feeds }) {
  if (!status) return null;
  const { healthy, actors, streams } = status.client_health;
  const wrong = [
    ...Object.entries(streams).filter(([, state]) => state !== "open").map(([name, state]) => `stream ${name} is ${state}`),
    ...feeds.filter((row) => row.stale).map((row) => `stream ${row.stream} is stale`),
    ...Object.entries(actors).filter(([, state]) => state !== "running").map(([name, state]) => `${name} is ${state}`),
  ];
  return html`<a href="#system" class=${`healthy ${healthy ? "up" : "warn"}`} title=${healthy ? "every stream is open and every actor runs" : wrong.join("\n")}>
    ${healthy ? "● healthy" : `▲ ${wrong[0] ?? "not healthy"}${wrong.length > 1 ? ` +${wrong.length - 1}` : ""}`}</a>`;
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

export function Bar({ status, market, account, locks, ask }) {
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
    <${Window} market=${market} />
    ${market && html`<${Countdown} market=${market} />`}
    <${Money} account=${account} />
    ${ask ? html`<${Buttons} status=${status} halted=${halted} ask=${ask} />` : LOOKING}
  </header>`;
}
