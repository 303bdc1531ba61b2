// Strategies: on or off, what each said last, its parameters.
import { html, useState } from "../ui.js";
import { Empty, Panel } from "../panel.js";
import { command } from "../api.js";
import { clock, gain, number, tone, words } from "../format.js";
import { oldest } from "../store.js";

const switchOf = (row) => ({
  path: `strategies/${row.name}/${row.enabled ? "disable" : "enable"}`,
  title: row.enabled ? `Switch ${words(row.name)} off` : `Switch ${words(row.name)} on`,
  button: row.enabled ? "Switch off" : "Switch on",
  tone: row.enabled ? "warn" : "go",
  says: () =>
    row.enabled
      ? "Its signals are held back from now on. Open positions and orders stay as they are."
      : "Its signals go to risk again, within the limits, from now on.",
});

/** What the daemon is told: a number where it wants one, else the text, for it to refuse. */
function told(parameter, text) {
  if (parameter.kind === "boolean") return text === "true";
  const value = Number(text);
  return parameter.kind === "text" || text.trim() === "" || Number.isNaN(value) ? text : value;
}

const bounds = ({ low, high }) =>
  low === null && high === null ? "" : `${low ?? "…"} to ${high ?? "…"}`;

function Parameters({ name, row, may }) {
  const [edits, setEdits] = useState({});
  const [answer, setAnswer] = useState(null);
  const changed = row.parameters.filter((one) => one.name in edits && edits[one.name] !== String(one.value));
  const save = async (event) => {
    event.preventDefault();
    setAnswer({ waiting: true });
    const params = Object.fromEntries(changed.map((one) => [one.name, told(one, edits[one.name])]));
    const outcome = await command(`strategies/${name}/params`, { params, reason: "edited on the page" });
    setAnswer(outcome);
    if (outcome.ok) setEdits({});
  };
  const field = (one) => {
    const value = edits[one.name] ?? String(one.value);
    const set = (event) => setEdits({ ...edits, [one.name]: event.target.value });
    const label = `${words(one.name)} of ${words(name)}`;
    return one.kind === "boolean"
      ? html`<select disabled=${!may} aria-label=${label} value=${value} onChange=${set}><option>true</option><option>false</option></select>`
      : html`<input disabled=${!may} aria-label=${label} name=${one.name} inputmode=${one.kind === "text" ? "text" : "decimal"} value=${value} onInput=${set} />`;
  };
  return html`<form class="parameters" onSubmit=${save}>
    <table class="list">
      <thead><tr><th>Parameter</th><th>Value</th><th>Default</th><th>Allowed</th><th>From</th><th>Meaning</th></tr></thead>
      <tbody>${row.parameters.map((one) => html`<tr key=${one.name} class=${changed.includes(one) ? "changed" : ""}>
        <td>${words(one.name)}</td><td>${field(one)}</td><td class="dim">${String(one.default)}</td>
        <td class="dim">${bounds(one)}</td><td class=${one.source === "default" ? "dim" : ""}>${one.source}</td><td class="meaning">${one.text}</td>
      </tr>`)}</tbody>
    </table>
    <menu>
      ${answer && !answer.waiting && html`<span role="status" class=${answer.ok ? "outcome done" : "outcome failed"}>
        ${answer.ok ? "In force, and written down." : answer.body.message}</span>`}
      <span class="dim">${row.changed_at ? `changed by ${row.changed_by} at ${clock(row.changed_at)}` : ""}</span>
      ${may && html`<button type="button" disabled=${!changed.length} onClick=${() => setEdits({})}>Undo</button>
      <button type="submit" class="go" disabled=${!changed.length || answer?.waiting}>Save ${changed.length || ""}</button>`}
    </menu>
  </form>`;
}

const Card = ({ row, parameters, ask, at }) => html`<${Panel} id=${`strategy-${row.name}`} title=${words(row.name)} at=${at}
    extra=${html`<span class=${row.enabled ? "light open" : "light starting"}>${row.enabled ? "● on" : "○ off"}</span>
      ${ask && html`<button type="button" class=${row.enabled ? "small" : "small go"} onClick=${() => ask(switchOf(row))}>Switch ${row.enabled ? "off" : "on"}…</button>`}`}>
  <dl class="facts tiles">
    <div class="twice"><dt>Last said${row.last_at ? ` at ${clock(row.last_at)}` : ""}</dt><dd>${row.last_gate ? `${row.last_kind}: ${words(row.last_gate)}` : "nothing yet"}</dd></div>
    <div><dt>Signals</dt><dd>${number(row.signals)}</dd></div>
    <div><dt>Approved</dt><dd>${number(row.approved)}</dd></div>
    <div><dt>Denied</dt><dd>${number(row.denied)}</dd></div>
    <div><dt>Trades</dt><dd>${number(row.trades)}</dd></div>
    <div><dt>Won</dt><dd>${number(row.wins)}</dd></div>
    <div><dt>P&L</dt><dd class=${tone(row.pnl)}>${gain(row.pnl)}</dd></div>
  </dl>
  ${parameters ? html`<${Parameters} name=${row.name} row=${parameters} may=${Boolean(ask)} />` : html`<p class="note">Its parameters have not been told yet.</p>`}
<//>`;

export default function Strategies({ state, status, ask }) {
  const rows = oldest(state.strategy);
  const at = status ? status.timestamp : null;
  if (!rows.length) {
    return html`<${Panel} id="strategies" title="Strategies"><${Empty} title="No strategy runs">Set ENABLED_STRATEGIES and start again.<//><//>`;
  }
  return rows.map((row) => html`<${Card} key=${row.name} row=${row} parameters=${state.parameters?.get(row.name)} ask=${ask} at=${at} />`);
}
