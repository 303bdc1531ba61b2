// The manual ticket: what an order would cost and bring, what every gate says, and the order itself.
import { html, useEffect, useState } from "../ui.js";
import { Empty, Panel } from "../panel.js";
import { command } from "../api.js";
import { cents, contracts, figure, gain, money, percent, signed, words } from "../format.js";
import { Book } from "../panels/book.js";
import { Positions } from "../panels/money.js";
import { Table, openFirst } from "../panels/orders.js";
import { newest, oldest } from "../store.js";
import { ticket } from "../ticket.js";

const AGAIN_MS = 2000;

/** The ticket in the daemon's words; null while something is missing. */
function order(given, ticker) {
  const price = Number(given.price);
  const quantity = Number(given.quantity);
  if (!ticker || !(price > 0) || !(quantity > 0)) return null;
  const body = {
    ticker,
    side: given.side,
    quantity: Number(quantity.toFixed(2)),
    price: Number((price / 100).toFixed(4)),
    order_type: given.order_type,
  };
  if (given.probability !== "") body.probability = Number((Number(given.probability) / 100).toFixed(4));
  return body;
}

/** The daemon's preview of the ticket, asked again while it is looked at. */
function usePreview(body) {
  const [preview, setPreview] = useState(null);
  const wanted = body ? JSON.stringify(body) : "";
  useEffect(() => {
    let ended = false;
    let timer = 0;
    const ask = async () => {
      if (!document.hidden) {
        const answer = await command("orders", { ...JSON.parse(wanted), preview: true });
        if (ended) return;
        setPreview({ wanted, ...answer });
      }
      timer = setTimeout(ask, AGAIN_MS);
    };
    if (wanted) timer = setTimeout(ask, 200);
    else setPreview(null);
    return () => {
      ended = true;
      clearTimeout(timer);
    };
  }, [wanted]);
  return preview;
}

const Fact = ({ name, children, of = "" }) => html`<div><dt>${name}</dt><dd class=${of}>${children}</dd></div>`;

function Quote({ quote, stale }) {
  return html`<div class=${stale ? "quote-told stale" : "quote-told"}>
    <dl class="facts tiles">
      <${Fact} name="Cost">${money(quote.cost)}<//>
      <${Fact} name="Fee">${money(quote.fee)}<//>
      <${Fact} name="Most to lose" of="down">${money(quote.max_loss)}<//>
      <${Fact} name="Most to gain" of="up">${gain(quote.max_gain)}<//>
      <${Fact} name="Break-even">${percent(quote.break_even, 1)}<//>
      <${Fact} name="Average price">${cents(quote.average_price)}¢<//>
      <${Fact} name="Fills at once">${contracts(quote.fillable_quantity)}<//>
      <${Fact} name="Set aside">${money(quote.reserve)}<//>
      <${Fact} name="Allowed at most">${contracts(quote.allowed_quantity)}<//>
    </dl>
    <h3>${quote.refusal ? `Would be refused: ${words(quote.refusal.gate)}` : "Every gate is open"}</h3>
    <table class="list gates"><thead><tr><th>Gate</th><th>State</th><th class="n">Is</th><th class="n">Limit</th></tr></thead>
      <tbody>${quote.gates.map((gate) => html`<tr key=${gate.gate}><td>${words(gate.gate)}</td>
        <td class=${gate.passed ? "up" : "down"}>${gate.passed ? "✓ open" : "✗ shut"}</td>
        <td class="n">${gate.value === null ? "" : figure(gate.value)}</td><td class="n">${gate.limit === null ? "" : figure(gate.limit)}</td></tr>`)}</tbody></table>
  </div>`;
}

function Choice({ label, options, value, set }) {
  return html`<fieldset><legend>${label}</legend><div class="choice">
    ${options.map(([key, text, of]) => html`<label key=${key} class=${`${of ?? ""} ${value === key ? "chosen" : ""}`}>
      <input type="radio" name=${label} checked=${value === key} onChange=${() => set(key)} /> ${text}</label>`)}
  </div></fieldset>`;
}

const placeOf = (body, quote, status) => ({
  path: "orders",
  body,
  title: `Buy ${contracts(body.quantity)} ${body.side.toUpperCase()} at ${cents(body.price)}¢`,
  button: status?.mode === "live" ? "Place the LIVE order" : "Place the order",
  tone: status?.mode === "live" ? "danger" : "go",
  says: () =>
    `${body.order_type === "ioc" ? "Takes what the book has at this price or better; the rest is not placed." : "Rests at its price until filled, cancelled, or the window closes; refused if it would take."} ` +
    `At most ${money(quote.max_loss)} is lost. ${status?.mode === "live" ? "This is real money." : "No real money."}`,
});

function Form({ market, status, ask }) {
  const [given, setGiven] = useState({ ...ticket });
  useEffect(() => {
    const filled = () => setGiven({ ...ticket });
    addEventListener("ticket", filled);
    return () => removeEventListener("ticket", filled);
  }, []);
  const set = (name) => (value) => {
    ticket[name] = value;
    setGiven({ ...ticket });
  };
  const typed = (name) => (event) => set(name)(event.target.value);
  const body = order(given, market?.ticker);
  const preview = usePreview(body);
  const quote = preview?.body?.quote ?? preview?.body?.details?.quote ?? null;
  const fresh = Boolean(body) && preview?.wanted === JSON.stringify(body);
  return html`<div class="ticket-form">
    <form onSubmit=${(event) => { event.preventDefault(); if (fresh && quote) ask(placeOf(body, quote, status)); }}>
      <${Choice} label="Buy" value=${given.side} set=${set("side")} options=${[["yes", "YES", "yes"], ["no", "NO", "no"]]} />
      <${Choice} label="How" value=${given.order_type} set=${set("order_type")} options=${[["limit", "Rest at the price"], ["ioc", "Take now"]]} />
      <label>Price, ¢ of ${given.side.toUpperCase()}<input name="price" inputmode="decimal" value=${given.price} onInput=${typed("price")} placeholder="click a price in the ladder" /></label>
      <label>Contracts<input name="quantity" inputmode="decimal" value=${given.quantity} onInput=${typed("quantity")} /></label>
      <label>Your probability of ${given.side.toUpperCase()}, % <i>(optional)</i><input name="probability" inputmode="decimal" value=${given.probability} onInput=${typed("probability")} placeholder="then edge and Kelly are gates too" /></label>
      <button type="submit" class="go" disabled=${!fresh || !quote || Boolean(quote.refusal)}>${quote?.refusal ? "A gate is shut" : "Place…"}</button>
    </form>
    ${!body
      ? html`<${Empty} title="Nothing to preview">${market ? "Give a price and a size: cost, fee, loss, gain and every gate are told by the daemon." : "No window is listed."}<//>`
      : !preview
        ? html`<${Empty} title="Asking the daemon…"> <//>`
        : quote
          ? html`<${Quote} quote=${quote} stale=${!fresh} />`
          : html`<p class="outcome failed" role="alert">${preview.body?.message ?? "No preview."}</p>`}
  </div>`;
}

export default function Ticket({ state, status, market, book, freshness, fair, ask }) {
  const orders = openFirst(newest(state.order));
  const edges = fair?.ticker === market?.ticker ? fair.offers : [];
  return html`
    <${Book} market=${market} book=${book} freshness=${freshness} prints=${newest(state.print)} orders=${newest(state.order)} ask=${ask} />
    <${Panel} id="ticket" title=${`Ticket${market ? ` · ${market.ticker}` : ""}`} at=${status ? status.timestamp : null}
      extra=${edges.map((offer) => html`<span key=${offer.side} class="dim">edge ${offer.side.toUpperCase()} ${signed(offer.edge * 100, 1)}¢</span>`)}>
      ${ask ? html`<${Form} market=${market} status=${status} ask=${ask} />` : html`<${Empty} title="View only">This link may look and not command: orders need the operator's link, which the daemon printed at its start.<//>`}<//>
    <div class="column plain">
      <${Positions} market=${market} ask=${ask} status=${status} account=${state.account} strategies=${oldest(state.strategy)} />
      <${Panel} id="ticket-orders" title="Orders" at=${status ? status.timestamp : null}>
        <${Table} view="orders" rows=${orders} ask=${ask} /><//>
    </div>`;
}
