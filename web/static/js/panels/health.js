// The health board: streams, actors, rate limits, and what needs attention.
import { html, memo, useState } from "../ui.js";
import { Empty, Panel, Tabs } from "../panel.js";
import { age, clock, number } from "../format.js";

const SIGNS = { running: "●", open: "●", starting: "◌", connecting: "◌", restarting: "▲", lost: "▲", stale: "▲", quarantined: "■", stopped: "■" };
const State = ({ state }) => html`<span class=${`light ${state}`}>${SIGNS[state] ?? "?"} ${state === "running" ? "runs" : state}</span>`;

const handling = (row) =>
  `${row.actor}: a message takes ${number(row.p50_ms, 2)} ms (p50), ${number(row.p99_ms, 2)} ms (p99), waited ${number(row.wait_ms, 2)} ms at most${row.error ? `; last error: ${row.error}` : ""}`;

const Actor = memo(({ row }) => html`<tr title=${handling(row)}>
  <td class="name">${row.actor.replace("strategy:", "")}</td>
  <td><${State} state=${row.state} /></td>
  <td class="n">${age(row.age)}</td>
  <td class="n">${row.rate === null ? "–" : number(row.rate)}</td>
  <td class="n">${number(row.depth)}</td>
  <td class=${row.restarts ? "n warn" : "n"}>${number(row.restarts)}</td>
</tr>`);

const Stream = memo(({ row }) => html`<tr title=${row.stale ? `${row.stream} is open, but nothing new has come for ${age(row.age)}` : row.reason || row.stream}>
  <td class="name">${row.stream}</td>
  <td><${State} state=${row.stale ? "stale" : row.state} /></td>
  <td class=${row.stale ? "n warn" : "n"}>${age(row.age)}</td>
  <td class=${row.gaps ? "n warn" : "n"}>${number(row.gaps)}</td>
  <td class=${row.skipped ? "n warn" : "n"}>${number(row.skipped)}</td>
  <td class=${row.reconnects ? "n warn" : "n"}>${number(row.reconnects)}</td>
</tr>`);

const Limit = memo(({ row }) => html`<tr title=${`${row.tier}: ${row.refill} tokens a second`}>
  <td class="name">${row.bucket}</td>
  <td><span class=${`light ${row.paused ? "lost" : "open"}`}>${row.paused ? `▲ paused ${row.paused} s` : "● open"}</span></td>
  <td class=${row.tokens < row.capacity / 5 ? "n warn" : "n"}>${number(row.tokens)}</td>
  <td class="n">${number(row.capacity)}</td>
  <td class="n">${number(row.waiting)}</td>
  <td class=${row.refused ? "n warn" : "n"}>${number(row.refused)}</td>
</tr>`);

const heads = (names) => html`<thead><tr>${names.map((name, place) => html`<th key=${name} class=${place > 1 ? "n" : ""} title=${TITLES[name]}>${name}</th>`)}</tr></thead>`;
const TITLES = {
  Age: "seconds since the last sign of life, or age of the newest data",
  Gaps: "breaks in the exchange's numbering",
  Bad: "frames that could not be read",
  Conn: "times it was connected again",
  "Msg/s": "messages handled a second",
  Wait: "messages waiting",
  Rest: "restarts",
  Left: "tokens in the account's bucket at the exchange; a request draws 2 to 50",
  Full: "tokens that the bucket holds at most",
  Queue: "requests that wait for tokens, of all buckets",
  429: "requests turned away by the exchange's rate limit, of all buckets",
};

export const Alert = memo(({ row }) => html`<li class=${`alert ${row.level}`}>
  <time>${clock(row.at)}</time><span class="level">${row.level}</span>
  <span>${row.text}${row.count > 1 ? html` <i>×${row.count}</i>` : ""}</span>
</li>`);

export const Board = memo(({ actors, feeds, limits }) => html`
  <table class="list board">
    ${heads(["Stream", "State", "Age", "Gaps", "Bad", "Conn"])}
    <tbody>${feeds.map((row) => html`<${Stream} key=${row.stream} row=${row} />`)}</tbody>
  </table>
  <table class="list board">
    ${heads(["Actor", "State", "Age", "Msg/s", "Wait", "Rest"])}
    <tbody>${actors.map((row) => html`<${Actor} key=${row.actor} row=${row} />`)}</tbody>
  </table>
  ${limits.length > 0 && html`<table class="list board">
    ${heads(["Limit", "State", "Left", "Full", "Queue", "429"])}
    <tbody>${limits.map((row) => html`<${Limit} key=${row.bucket} row=${row} />`)}</tbody>
  </table>`}`);

const PLACES = ["supervisor", "supervision", "feed:market", "feed:spot", "risk", "execution", "exchange"];
const place = (name) => (PLACES.indexOf(name) + 1 || 50) - (name.startsWith("strategy:") ? 20 : 0);
const ranks = new WeakMap();
/** In the order in which money goes through them; one list per list. */
export function ranked(actors) {
  let list = ranks.get(actors);
  if (!list) ranks.set(actors, (list = [...actors].sort((a, b) => place(a.actor) - place(b.actor) || (a.actor < b.actor ? -1 : 1))));
  return list;
}

export function Health({ actors, feeds, limits, alerts, status }) {
  const [view, setView] = useState("board");
  const grave = alerts.filter((row) => row.level === "critical").length;
  const options = [
    ["board", "Board"],
    ["alerts", ...(grave ? [`Alerts · ${grave} critical`, "grave"] : [`Alerts · ${alerts.length}`])],
  ];
  const tabs = html`<${Tabs} label="Health" options=${options} chosen=${view} choose=${setView} />`;
  return html`<${Panel} id="health" title="Health" extra=${tabs} at=${status ? status.timestamp : null}>
    ${view === "board"
      ? actors.length || feeds.length
        ? html`<${Board} actors=${ranked(actors)} feeds=${feeds} limits=${limits} />`
        : html`<${Empty} title="No sign of life yet">Actors answer a heartbeat every second.<//>`
      : alerts.length
        ? html`<ul class="alerts">${alerts.map((row) => html`<${Alert} key=${row.id} row=${row} />`)}</ul>`
        : html`<${Empty} title="No alerts">Breaches, lost feeds, unknown orders and restarts are told here.<//>`}
  <//>`;
}
