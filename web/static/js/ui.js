// The one place that knows where preact and htm come from.
import { Component, h, render } from "../vendor/preact.js";
import { useEffect, useLayoutEffect, useRef, useState } from "../vendor/hooks.js";
import htm from "../vendor/htm.js";

export const html = htm.bind(h);
export { Component, render, useEffect, useLayoutEffect, useRef, useState };

/**
 * A component that is rendered again only when one of its properties is another object.
 * Rows are replaced, never changed, so identity is enough.
 * @param {(props: any) => any} view
 */
export function memo(view) {
  return class extends Component {
    shouldComponentUpdate(next) {
      const now = this.props;
      for (const key in next) if (next[key] !== now[key]) return true;
      for (const key in now) if (!(key in next)) return true;
      return false;
    }
    render(props) {
      return view(props);
    }
  };
}
