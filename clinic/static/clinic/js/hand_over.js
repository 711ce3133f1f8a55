// A screen in a patient's hands: other tabs of this browser close what they show, and nobody's answers stay on a screen
// that was laid aside. The server says the same; this only says it sooner.
(() => {
  new BroadcastChannel("hand-over").postMessage("handed over");
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) window.location.reload(); // the way back shows what the server allows now
  });

  const minutes = Number(document.body.dataset.idleMinutes || 0);
  if (!minutes) return;
  const MINUTE = 60 * 1000;
  const warning = document.getElementById("closes-soon");
  let usedAt = Date.now();
  let toldAt = Date.now();

  const used = () => {
    usedAt = Date.now();
    warning.hidden = true;
    if (usedAt - toldAt < MINUTE) return;
    toldAt = usedAt;
    fetch(window.location.pathname); // the server counts from here as well
  };
  for (const kind of ["pointerdown", "keydown", "scroll"]) document.addEventListener(kind, used, { passive: true });

  setInterval(() => {
    const idle = Date.now() - usedAt;
    if (idle >= minutes * MINUTE) window.location.replace(document.body.dataset.takeBack);
    else if (idle >= (minutes - 1) * MINUTE && warning.hidden) {
      warning.textContent = warning.dataset.words;
      warning.hidden = false;
    }
  }, 1000);
})();
