// Notices in the corner, and the bar that a halt puts over everything else.
import { html } from "../ui.js";
import { clock } from "../format.js";
import { dismiss, notices } from "../notices.js";

const SIGNS = { good: "✓", plain: "●", warn: "▲", bad: "■" };

export function Toasts() {
  return html`<div class="toasts" role="log" aria-live="polite" aria-label="Notices">
    ${notices.list.map((one) => html`<div key=${one.id} class=${`toast ${one.tone}`}>
      <b><span class="sign">${SIGNS[one.tone]}</span> ${one.title}</b>
      <button type="button" class="quiet small" aria-label="Close the notice" onClick=${() => dismiss(one.id)}>✕</button>
      <span>${one.text}</span>
    </div>`)}
  </div>`;
}

/** Why nothing trades, in full: a breaker's reason is never cut. */
export function Halted({ status, ask }) {
  if (status?.state !== "HALTED") return null;
  return html`<section class="halted" role="alert" aria-label="Halted">
    <b>■ HALTED</b>
    <span>${status.state_reason} <i>· by ${status.state_by || "the system"} at ${clock(status.state_since)} UTC${status.proof ? ` · ${status.proof}` : ""}</i></span>
    ${ask && html`<button type="button" class="small warn" onClick=${() => ask("reset")}>Reset…</button>`}
  </section>`;
}
