// Confirmation: says what will happen, asks for a reason where one is needed, shows the proof.
import { html, useEffect, useRef, useState } from "./ui.js";
import { command } from "./api.js";
import { contracts, words } from "./format.js";
import { store } from "./store.js";

const orders = (count) => (count === 1 ? "1 order rests" : `${count} orders rest`);

/** What each command does, in the words of the person who presses the button. */
const COMMANDS = {
  start: {
    path: "start",
    title: "Start trading",
    button: "Start trading",
    tone: "go",
    says: (status) =>
      status.mode === "live"
        ? "Strategies may place LIVE orders with real money, within the limits, from now on."
        : `Strategies may place orders (${status.mode}, no real money) within the limits, from now on.`,
  },
  pause: {
    path: "pause",
    title: "Pause: no new risk",
    button: "Pause",
    tone: "warn",
    says: () =>
      "No new positions are opened. Open positions and resting orders are managed on. It stays paused, over restarts too, until it is started.",
  },
  stop: {
    path: "stop",
    title: "Stop trading",
    button: "Stop",
    tone: "warn",
    says: (status, resting) =>
      `Disarms and cancels everything that rests (${orders(resting)} now). Open positions stay until their window settles. It stays stopped, over restarts too, until it is started.`,
  },
  halt: {
    path: "emergency/halt",
    title: "HALT everything",
    button: "HALT now",
    tone: "danger",
    says: (status, resting) =>
      `Cancels everything that rests (${orders(resting)} now), stops all trading and latches: it stays halted, over restarts too, until the breaker is reset with a reason. Open positions stay until their window settles.`,
  },
  reset: {
    path: "circuit-breaker/reset",
    title: "Reset the breaker",
    button: "Reset",
    tone: "warn",
    needsReason: true,
    says: (status) =>
      `Ends the halt (“${status.state_reason}”). Trading stays disarmed, over restarts too, until it is started.`,
  },
};

/**
 * `name` is a command of the trading state, or one that a panel has made:
 * `{path, body, title, button, tone, says, needsReason, fields, tells}`; each field is `[name, label, value]`.
 * One that `tells` is previewed by the daemon while it is read: rows of `[name, text, colour]` of its quote.
 */
export function Confirm({ name, close }) {
  const element = useRef(null);
  const [reason, setReason] = useState("");
  const [outcome, setOutcome] = useState(null);
  const [given, setGiven] = useState(null);
  useEffect(() => {
    const dialog = element.current;
    if (!dialog.open) dialog.showModal();
  }, []);
  const what = typeof name === "string" ? COMMANDS[name] : name;
  const fields = given ?? Object.fromEntries((what.fields ?? []).map(([key, , value]) => [key, value]));
  const status = store.state.status_update;
  const resting = status?.order_summary.open ?? 0;
  const preview = usePreview(what, outcome !== null);
  const quote = preview?.body?.quote ?? preview?.body?.details?.quote ?? null;
  const send = async (event) => {
    event.preventDefault();
    setOutcome({ waiting: true });
    setOutcome(await command(what.path, { ...what.body, ...what.read?.(fields), reason }));
  };
  const ready = (!what.needsReason || reason.trim().length >= 3) && (!what.tells || (preview?.ok && !quote?.refusal));
  return html`<dialog ref=${element} onClose=${close} class=${`confirm ${what.tone}`}
      aria-labelledby="confirm-title">
    <form onSubmit=${send}>
      <h2 id="confirm-title">${what.title}</h2>
      ${outcome
        ? html`<${Outcome} outcome=${outcome} />`
        : html`<p>${status ? what.says(status, resting) : "The state of the daemon is not known."}</p>
            ${(what.fields ?? []).map(([key, label]) => html`<label key=${key}><span>${label}</span>
              <input inputmode="decimal" value=${fields[key]} name=${key}
                onInput=${(event) => setGiven({ ...fields, [key]: event.target.value })} /></label>`)}
            ${what.tells && html`<${Told} what=${what} preview=${preview} quote=${quote} />`}
            <label>
              <span>Reason ${what.needsReason ? "(required)" : "(optional)"}</span>
              <input value=${reason} maxlength="200" autofocus=${Boolean(what.needsReason)}
                onInput=${(event) => setReason(event.target.value)} />
            </label>`}
      <menu>
        <button type="button" onClick=${() => element.current.close()}>
          ${outcome && !outcome.waiting ? "Close" : "Cancel"}
        </button>
        ${!outcome &&
        html`<button type="submit" class=${what.tone} disabled=${!ready}
          autofocus=${!what.needsReason}>${what.button}</button>`}
        ${outcome && !outcome.waiting && !outcome.ok &&
        html`<button type="submit" class=${what.tone}>Try again</button>`}
      </menu>
    </form>
  </dialog>`;
}

const PREVIEW_MS = 1000;

/** What the daemon says the command would do, asked again until it is given. */
function usePreview(what, over) {
  const [preview, setPreview] = useState(null);
  useEffect(() => {
    if (!what.tells || over) return undefined;
    let ended = false;
    let timer = 0;
    const ask = async () => {
      const answer = await command(what.path, { ...what.body, preview: true });
      if (ended) return;
      setPreview(answer);
      timer = setTimeout(ask, PREVIEW_MS);
    };
    ask();
    return () => {
      ended = true;
      clearTimeout(timer);
    };
  }, [what.path, over]);
  return preview;
}

function Told({ what, preview, quote }) {
  if (!preview) return html`<p class="dim">Asking the daemon what it would bring…</p>`;
  if (!preview.ok && !quote) return html`<p class="outcome failed" role="alert">${preview.body.message}</p>`;
  return html`<dl class="facts told">
      ${what.tells(quote).map(([name, text, of = ""]) => html`<div key=${name}><dt>${name}</dt><dd class=${of}>${text}</dd></div>`)}
    </dl>
    ${quote.refusal && html`<p class="outcome failed" role="alert">Would be refused: ${words(quote.refusal.gate)}</p>`}`;
}

function Outcome({ outcome }) {
  if (outcome.waiting) return html`<p class="outcome" role="status">Waiting for the proof…</p>`;
  if (!outcome.ok) {
    return html`<p class="outcome failed" role="alert">
      <strong>Not confirmed.</strong> ${outcome.body.message}
    </p>`;
  }
  const { state, cancelled, resting, order_status: order, filled_quantity: filled } = outcome.body;
  const proof = [
    order && `The order is ${order.replaceAll("_", " ")}${filled ? `, ${contracts(filled)} filled` : ""}.`,
    state && `State ${state}.`,
    cancelled !== null && cancelled !== undefined && `${cancelled} cancelled.`,
    resting === 0 && "Nothing rests at the exchange.",
    resting > 0 && `${resting} still rest: it goes on cancelling.`,
  ].filter(Boolean);
  return html`<p class=${resting > 0 ? "outcome failed" : "outcome done"} role="status">
    <strong>Confirmed.</strong> ${proof.join(" ")}
  </p>`;
}
