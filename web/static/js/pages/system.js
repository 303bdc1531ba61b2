// The machine room: hosts and streams, the log, effective settings, commands given.
import { html, useState } from "../ui.js";
import { Empty, Panel, Tabs } from "../panel.js";
import { Alert, Board, ranked } from "../panels/health.js";
import { clock, number } from "../format.js";
import { download } from "../csv.js";
import { useRead } from "../poll.js";
import { newest, oldest } from "../store.js";

const Failed = ({ answer }) => html`<${Empty} title="Not told">${answer.body.message}<//>`;
const fits = (text, filter) => !filter || text.toLowerCase().includes(filter.toLowerCase());
const Filter = ({ label, value, set }) => html`<input class="filter" type="search" placeholder=${label} aria-label=${label} value=${value} onInput=${(event) => set(event.target.value)} />`;

function Logs() {
  const [filter, setFilter] = useState("");
  const answer = useRead("logs?limit=400", 3000);
  const lines = answer?.ok ? answer.body.lines.filter((line) => fits(line, filter)).reverse() : [];
  return html`<${Panel} id="logs" title="Log" extra=${html`<${Filter} label="filter the log" value=${filter} set=${setFilter} />`}>
    ${answer && !answer.ok ? html`<${Failed} answer=${answer} />` : lines.length
      ? html`<ol class="lines">${lines.map((line, place) => html`<li key=${place} class=${/ (ERROR|CRITICAL) /.test(line) ? "down" : / WARNING /.test(line) ? "warn" : ""}>${line}</li>`)}</ol>`
      : html`<${Empty} title=${answer ? "Nothing to show" : "Reading the log…"}>${filter ? "No line has these letters." : "The log is empty or is not written to a file."}<//>`}<//>`;
}

function Config() {
  const [filter, setFilter] = useState("");
  const answer = useRead("config");
  const rows = answer?.ok ? answer.body.config.filter((row) => fits(`${row.name} ${row.help} ${row.source}`, filter)) : [];
  return html`<${Panel} id="config" title="Settings in force" extra=${html`<${Filter} label="filter the settings" value=${filter} set=${setFilter} />`}>
    ${answer && !answer.ok ? html`<${Failed} answer=${answer} />` : html`<table class="list">
      <thead><tr><th>Setting</th><th>Value</th><th>From</th><th>Meaning</th></tr></thead>
      <tbody>${rows.map((row) => html`<tr key=${row.name}><td>${row.name}</td><td class="value" title=${row.value}>${row.value} <i>${row.unit}</i></td><td class=${row.source === "default" ? "dim" : ""}>${row.source}</td><td class="meaning" title=${row.help}>${row.help}</td></tr>`)}</tbody></table>`}<//>`;
}

function Audit() {
  const answer = useRead("audit?limit=100", 5000);
  const rows = answer?.ok ? answer.body.audit : [];
  return html`<${Panel} id="audit" title="Commands given" extra=${html`<button type="button" class="quiet small" disabled=${!rows.length} onClick=${() => download("commands", rows)}>CSV</button>`}>
    ${answer && !answer.ok ? html`<${Failed} answer=${answer} />` : rows.length
      ? html`<table class="list"><thead><tr><th>Time</th><th>Command</th><th>By</th><th>Outcome</th><th>Reason</th></tr></thead>
        <tbody>${rows.map((row) => html`<tr key=${row.at + row.command_id}><td>${clock(row.at)}</td><td>${row.command}</td><td>${row.by}</td><td class=${row.outcome === "done" ? "up" : "warn"}>${row.outcome}</td><td class="meaning" title=${row.message}>${row.reason}</td></tr>`)}</tbody></table>`
      : html`<${Empty} title="No command yet">Each is written down with who, when, why and what came of it.<//>`}<//>`;
}

const Meters = ({ row }) => html`<dl class="facts tiles">${Object.entries(row.counts).map(([name, count]) => html`<div key=${name}><dt>${name.replaceAll("_", " ")}</dt><dd>${number(count)}</dd></div>`)}</dl>`;

export default function System({ state, status }) {
  const [view, setView] = useState("board");
  const at = status ? status.timestamp : null;
  const alerts = newest(state.alert);
  const tabs = html`<${Tabs} label="Board" options=${[["board", "Actors and streams"], ["alerts", `Alerts · ${alerts.length}`], ["meters", "Meters"]]} chosen=${view} choose=${setView} />`;
  return html`
    <${Panel} id="machine" title="Health" extra=${tabs} at=${at}>
      ${view === "board" && html`<${Board} actors=${ranked(oldest(state.health))} feeds=${oldest(state.feed)} limits=${oldest(state.limit)} />`}
      ${view === "alerts" && (alerts.length ? html`<ul class="alerts">${alerts.map((row) => html`<${Alert} key=${row.id} row=${row} />`)}</ul>` : html`<${Empty} title="No alerts">Nothing needs attention.<//>`)}
      ${view === "meters" && (state.meters ? html`<${Meters} row=${state.meters} />` : html`<${Empty} title="No meters yet">They are told with the first status.<//>`)}<//>
    <${Logs} /><${Config} /><${Audit} />`;
}
