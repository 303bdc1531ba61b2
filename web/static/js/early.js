// Runs before the first paint: the page never flashes in the wrong theme, and the picture is asked
// for while the modules are still on their way. `link.js` takes the socket over, and what it told.
(() => {
  try {
    const kept = localStorage.getItem("quarterhour.theme");
    if (kept === "light" || kept === "dark") document.documentElement.dataset.theme = kept;
  } catch {
    // Storage may be forbidden: the dark theme stays.
  }
  const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`);
  /** @type {MessageEvent[]} */
  const told = [];
  socket.onmessage = (event) => told.push(event);
  /** @type {any} */ (window).early = { socket, told };
})();
