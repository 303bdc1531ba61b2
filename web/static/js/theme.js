// Runs before the first paint, so that the page never flashes in the wrong theme.
(() => {
  try {
    const kept = localStorage.getItem("quarterhour.theme");
    if (kept === "light" || kept === "dark") document.documentElement.dataset.theme = kept;
  } catch {
    // Storage may be forbidden: the dark theme stays.
  }
})();
