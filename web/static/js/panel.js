// The frame around every panel: title, age of its numbers, grey when they are old.
import { html } from "./ui.js";
import { ageOf, useEngineClock } from "./clock.js";
import { age } from "./format.js";
import { store } from "./store.js";

/** Age that greys its surroundings: the dot and the word "old" say it without colour too. */
function AgeTag({ at, limit }) {
  const seconds = ageOf(at, useEngineClock());
  if (seconds === null) return html`<span class="age">no data yet</span>`;
  const old = seconds > limit;
  return html`<span class=${old ? "age old" : "age"} title=${`told ${at}`}>
    ${old ? "old · " : ""}${age(seconds)}
  </span>`;
}

function Body({ at, limit, children }) {
  const seconds = ageOf(at, useEngineClock());
  const stale = limit !== undefined && (seconds === null || seconds > limit);
  return html`<div class=${stale ? "body stale" : "body"} tabindex="0">${children}</div>`;
}

/**
 * @param {{id: string, title: string, at?: string|null, limit?: number, extra?: any, children: any}} props
 */
export function Panel({ id, title, at, limit, extra, children }) {
  const bound = limit ?? store.state.status_update?.freshness.frame ?? 3;
  return html`<section class="panel" id=${id} aria-label=${title}>
    <header>
      <h2>${title}</h2>
      ${extra}
      ${at !== undefined && html`<${AgeTag} at=${at} limit=${bound} />`}
    </header>
    ${at === undefined
      ? html`<div class="body" tabindex="0">${children}</div>`
      : html`<${Body} at=${at} limit=${bound}>${children}<//>`}
  </section>`;
}

/** What is missing, in words. */
export function Empty({ title, children }) {
  return html`<div class="empty"><strong>${title}</strong><span>${children}</span></div>`;
}

/** A row of buttons of which one is chosen. */
export function Tabs({ label, options, chosen, choose }) {
  return html`<div class="tabs" role="tablist" aria-label=${label}>
    ${options.map(
      ([key, text, of]) =>
        html`<button
          type="button"
          role="tab"
          key=${key}
          class=${of}
          aria-selected=${key === chosen}
          onClick=${() => choose(key)}
        >
          ${text}
        </button>`,
    )}
  </div>`;
}
