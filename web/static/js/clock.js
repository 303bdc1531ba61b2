// Time on the screen: four times a second, only where an age or a countdown is shown, and only while
// somebody can see it.
import { useEffect, useState } from "./ui.js";
import { engineNow } from "./store.js";

const ears = new Set();
setInterval(() => {
  if (document.hidden) return;
  for (const ear of ears) ear();
}, 250);

/** The engine's clock in ms; renders the caller again four times a second. */
export function useEngineClock() {
  const [, again] = useState(0);
  useEffect(() => {
    const ear = () => again((count) => count + 1);
    ears.add(ear);
    return () => ears.delete(ear);
  }, []);
  return engineNow();
}

/** Seconds since `iso` on the engine's clock; null without a time. */
export function ageOf(iso, now) {
  return iso ? Math.max(0, (now - Date.parse(iso)) / 1000) : null;
}
