// What is drawn on the canvas besides lines: the final minute, the strike, the cone, own fills, now.
// Colours come from the theme; positions come from the scales of the chart.

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export const colours = () => ({
  text: css("--muted"),
  grid: css("--grid"),
  index: css("--index"),
  spot: css("--spot"),
  fair: css("--fair"),
  strike: css("--strike"),
  cone: css("--cone"),
  shade: css("--shade"),
  band: css("--band"),
  bid: css("--bid"),
  ask: css("--ask"),
  yes: css("--yes"),
  no: css("--no"),
  now: css("--now"),
  panel: css("--panel"),
});

function clip(u, draw) {
  const { ctx, bbox } = u;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  draw(ctx, bbox, devicePixelRatio || 1);
  ctx.restore();
}

/** The minute whose prints decide, shaded; what is known of it shaded more. */
export function finalMinute(market, tint) {
  return (u) =>
    clip(u, (ctx, bbox) => {
      const close = Date.parse(market().close_at) / 1000;
      const from = u.valToPos(close - 60, "x", true);
      const to = u.valToPos(close, "x", true);
      ctx.fillStyle = tint;
      ctx.fillRect(from, bbox.top, to - from, bbox.height);
      ctx.fillRect(from, bbox.top, ((to - from) * market().known) / 60, bbox.height);
    });
}

/** A dashed line across; its price stands on the axis, see `tags`. */
export function level(value, colour) {
  return (u) => {
    const price = value();
    if (price === null || price === undefined) return;
    clip(u, (ctx, bbox, dpr) => {
      const y = Math.round(u.valToPos(price, "y", true)) + 0.5;
      ctx.strokeStyle = colour;
      ctx.lineWidth = dpr;
      ctx.setLineDash([5 * dpr, 4 * dpr]);
      ctx.beginPath();
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(bbox.left + bbox.width, y);
      ctx.stroke();
      ctx.setLineDash([]);
    });
  };
}

/** At most two prices as tags on the right axis, so that nothing of the lines is hidden. */
export function tags(list, look) {
  return (u) => {
    const { ctx, bbox } = u;
    const dpr = devicePixelRatio || 1;
    const tall = 17 * dpr;
    ctx.save();
    ctx.font = `600 ${11 * dpr}px ${css("--font")}`;
    ctx.textBaseline = "middle";
    const left = bbox.left + bbox.width + 2 * dpr;
    let taken = NaN;
    for (const { value, colour, text } of list()) {
      if (!Number.isFinite(value)) continue;
      let y = Math.round(u.valToPos(value, "y", true));
      if (y < bbox.top - 1 || y > bbox.top + bbox.height + 1) continue;
      // Two that meet stand one beside the other, on the side on which they are.
      if (Math.abs(y - taken) < tall) y = taken + (y < taken ? -tall : tall);
      taken = y;
      ctx.fillStyle = colour;
      ctx.fillRect(left, y - tall / 2, ctx.measureText(text).width + 9 * dpr, tall);
      ctx.fillStyle = look.panel;
      ctx.fillText(text, left + 4.5 * dpr, y + dpr / 2);
    }
    ctx.restore();
  };
}

/** One standard deviation to the close, as the engine computed it. */
export function cone(points, colour) {
  return (u) => {
    const list = points();
    if (!list.length) return;
    clip(u, (ctx) => {
      ctx.fillStyle = colour;
      ctx.beginPath();
      for (const [at, , high] of list) ctx.lineTo(u.valToPos(at / 1000, "x", true), u.valToPos(high, "y", true));
      for (const [at, low] of [...list].reverse()) ctx.lineTo(u.valToPos(at / 1000, "x", true), u.valToPos(low, "y", true));
      ctx.closePath();
      ctx.fill();
    });
  };
}

export function nowLine(at, colour) {
  return (u) =>
    clip(u, (ctx, bbox, dpr) => {
      const x = Math.round(u.valToPos(at(), "x", true)) + 0.5;
      ctx.strokeStyle = colour;
      ctx.lineWidth = dpr;
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
    });
}

/** Own fills: a triangle up for YES, down for NO, at the time and height that `place` gives. */
export function fills(list, place, look) {
  return (u) =>
    clip(u, (ctx, bbox, dpr) => {
      const size = 6 * dpr;
      for (const fill of list()) {
        const spot = place(fill);
        if (!spot) continue;
        const x = u.valToPos(spot[0], "x", true);
        const y = u.valToPos(spot[1], "y", true);
        const up = fill.side === "yes" ? 1 : -1;
        ctx.beginPath();
        ctx.moveTo(x, y - up * size);
        ctx.lineTo(x + size, y + up * size);
        ctx.lineTo(x - size, y + up * size);
        ctx.closePath();
        ctx.fillStyle = up > 0 ? look.yes : look.no;
        ctx.fill();
        ctx.lineWidth = 1.5 * dpr;
        ctx.strokeStyle = look.panel;
        ctx.stroke();
      }
    });
}
