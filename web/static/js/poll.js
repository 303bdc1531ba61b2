// Reads that are not part of the picture: asked now, and again every few seconds while they are seen.
import { useEffect, useState } from "./ui.js";
import { read } from "./api.js";

/** @returns {{ok: boolean, body: any}|null} null before the first answer */
export function useRead(path, everyMs = 0) {
  const [answer, setAnswer] = useState(null);
  useEffect(() => {
    let ended = false;
    let timer = 0;
    const ask = async () => {
      const told = path && !document.hidden ? await read(path) : null;
      if (ended) return;
      if (told) setAnswer(told);
      if (everyMs) timer = setTimeout(ask, everyMs);
    };
    setAnswer(null);
    ask();
    return () => {
      ended = true;
      clearTimeout(timer);
    };
  }, [path, everyMs]);
  return answer;
}
