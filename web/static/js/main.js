// The page: one picture, drawn again when it changed.
import { html, render, useEffect, useRef, useState } from "./ui.js";
import { TABS, go, useRoute } from "./route.js";
import { Help } from "./help.js";
import { notice, notices } from "./notices.js";
import { listen, sound, switchSound } from "./sound.js";
import { age, gain } from "./format.js";
import { connect, watch } from "./link.js";
import { newest, oldest, store, subscribe } from "./store.js";
import { useEngineClock } from "./clock.js";
import { Confirm } from "./dialog.js";
import { Bar, Nav } from "./panels/bar.js";
import { Book } from "./panels/book.js";
import { Account, Positions, closeOf } from "./panels/money.js";
import { Chart } from "./panels/chart.js";
import { Decisions } from "./panels/decisions.js";
import { Health } from "./panels/health.js";
import { Orders } from "./panels/orders.js";
import { Halted, Toasts } from "./panels/toasts.js";

const TITLES = { local: "LOCAL", paper: "PAPER", live: "LIVE" };

function usePicture() {
  const [, again] = useState(0);
  useEffect(() => subscribe(() => again((count) => count + 1)), []);
  return store.state;
}

function useTheme() {
  const root = document.documentElement;
  const [theme, setTheme] = useState(root.dataset.theme);
  const flip = () => {
    const next = root.dataset.theme === "dark" ? "light" : "dark";
    root.dataset.theme = next;
    try {
      localStorage.setItem("quarterhour.theme", next);
    } catch {
      // Not kept where storage is forbidden.
    }
    setTheme(next);
  };
  return [theme, flip];
}

function useSound() {
  const [on, setOn] = useState(sound.on);
  const flip = () => {
    switchSound();
    setOn(sound.on);
  };
  return [on, flip];
}

const PAGES = {
  performance: () => import("./pages/performance.js"),
  strategies: () => import("./pages/strategies.js"),
  windows: () => import("./pages/windows.js"),
  quant: () => import("./pages/quant.js"),
  ticket: () => import("./pages/ticket.js"),
  system: () => import("./pages/system.js"),
};
const loaded = {};

/** A tab other than the first; its module comes when it is first looked at. */
function Page({ name, ...props }) {
  const [, again] = useState(0);
  useEffect(() => {
    if (loaded[name]) return;
    PAGES[name]().then(
      (module) => {
        loaded[name] = module.default;
        again((count) => count + 1);
      },
      () => {
        loaded[name] = () => html`<p class="empty"><strong>This tab could not be loaded</strong><span>The daemon did not answer; reload the page.</span></p>`;
        again((count) => count + 1);
      },
    );
  }, [name]);
  const View = loaded[name];
  return html`<div class=${`page ${name}`}>${View ? html`<${View} ...${props} />` : html`<p class="empty">Loading…</p>`}</div>`;
}

/** The first tab: everything a trader watches, on one screen. */
function Trade(shared) {
  const { state } = shared;
  return html`<div class="page trade">
    <${Chart} ...${shared} index=${state.index} quote=${state.quote} forecast=${state.forecast} fills=${state.trade_execution} />
    <${Book} ...${shared} prints=${newest(state.print)} orders=${newest(state.order)} />
    <div class="column">
      <${Positions} ...${shared} account=${state.account} strategies=${oldest(state.strategy)} />
      <${Account} ...${shared} account=${state.account} locks=${oldest(state.lock)} />
    </div>
    <div class="lower">
      <${Orders} ...${shared} orders=${newest(state.order)} fills=${newest(state.trade_execution)}
        windows=${newest(state.window)} />
      <${Decisions} ...${shared} decisions=${newest(state.decision)} />
      <${Health} ...${shared} actors=${oldest(state.health)} feeds=${oldest(state.feed)} limits=${oldest(state.limit)} alerts=${newest(state.alert)} />
    </div>
  </div>`;
}

function Overlay() {
  useEngineClock();
  if (store.link === "live") return null;
  if (store.link === "locked") {
    return html`<div class="overlay" role="alert"><div>
      <h2>This session has ended</h2>
      <p>The daemon is there, but its token is another one now. Open the link it printed at its start.</p>
    </div></div>`;
  }
  if (store.link === "connecting") {
    return html`<div class="overlay first" role="status"><div><h2>Connecting…</h2></div></div>`;
  }
  if (store.link === "silent") {
    const quiet = (performance.now() - store.heardAt) / 1000;
    return html`<div class="overlay" role="alert"><div>
      <h2>${Number.isFinite(quiet) ? `The daemon has told nothing for ${age(quiet)}` : "The daemon has not told anything yet"}</h2>
      <p>It is connected, but its dashboard is silent: what you see is how it was. Commands may still reach it.</p>
    </div></div>`;
  }
  const since = (performance.now() - store.lostAt) / 1000;
  return html`<div class="overlay" role="alert"><div>
    <h2>No connection for ${age(since)}</h2>
    <p>What you see is how it was. The daemon may be trading on: it needs no browser. Connecting again…</p>
  </div></div>`;
}

/** What a key does; the newest picture is at hand through `held`. */
function useKeys(held) {
  useEffect(() => {
    const key = (event) => {
      if (event.target.closest?.("input, select, textarea, dialog") || event.ctrlKey || event.metaKey || event.altKey) return;
      const { flip, flipSound, help, step, ask, status, position } = held.current;
      const does = { t: flip, s: flipSound, "?": help, "[": () => step(-1), "]": () => step(1) }[event.key];
      if (does) does();
      const tab = TABS[Number(event.key) - 1];
      if (tab) go(tab[0]);
      if (!ask) return;
      if (event.key === "H") ask("halt");
      if (event.key === "P" && status?.state === "ACTIVE") ask("pause");
      if (event.key === "P" && status?.state === "REDUCING") ask("start");
      if (event.key === "C" && position) ask(closeOf(position));
    };
    addEventListener("keydown", key);
    return () => removeEventListener("keydown", key);
  }, []);
}

/** The title of a hidden tab tells how it stands, and how much came that nobody saw. */
function useTitle(status, account) {
  const mode = TITLES[status?.mode];
  const title = mode ? `${mode} · ${status.state} · ${gain(account?.daily_pnl)} today · Quarterhour` : "Quarterhour";
  const whole = `${notices.unseen ? `(${notices.unseen}) ` : ""}${title}`;
  useEffect(() => {
    document.title = whole;
  }, [whole]);
}

function App() {
  const state = usePicture();
  const [theme, flip] = useTheme();
  const [sounding, flipSound] = useSound();
  const [asking, ask] = useState(null);
  const [helped, setHelped] = useState(false);
  const [chosen, choose] = useState(null);
  const route = useRoute();
  const status = state.status_update;
  const markets = oldest(state.market);
  const market = markets.find((row) => row.series === chosen) ?? markets[0] ?? null;
  const book = market ? state.book?.get(market.series) : null;
  // Who may only look is offered nothing that would be refused.
  const may = store.role === "operator" ? ask : null;
  const help = () => setHelped(true);
  const step = (by) => markets.length && choose(markets[(markets.indexOf(market) + by + markets.length) % markets.length].series);
  const position = state.account?.positions.find((row) => row.ticker === market?.ticker);
  const held = useRef(null);
  held.current = { flip, flipSound, help, step, ask: may, status, position };
  useKeys(held);
  useTitle(status, state.account);
  const fair = market ? state.fair?.get(market.series) : null;
  const shared = { state, status, market, book, fair, freshness: status?.freshness, theme, ask: may, route };
  return html`<main class=${`screen link-${store.link}`}>
    <h1 class="off">Quarterhour</h1>
    <${Bar} ...${shared} account=${state.account} locks=${oldest(state.lock)} />
    <${Nav} route=${route} theme=${theme} switchTheme=${flip} sounding=${sounding} flipSound=${flipSound} status=${status}
      markets=${markets} market=${market} choose=${choose} books=${state.book} account=${state.account} feeds=${oldest(state.feed)} help=${help} />
    <${Halted} status=${status} ask=${may} />
    ${route.name === "trade" ? html`<${Trade} ...${shared} />` : html`<${Page} name=${route.name} ...${shared} />`}
    <${Overlay} />
    <${Toasts} />
    ${helped && html`<${Help} close=${() => setHelped(false)} />`}
    ${asking && html`<${Confirm} name=${asking} close=${() => ask(null)} />`}
  </main>`;
}

render(html`<${App} />`, document.getElementById("app"));
connect();
watch();
listen();
notice();
