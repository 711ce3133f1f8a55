// Somebody else's change appears by itself: every ten seconds the page asks for the mark of the days it shows, and
// draws them again when it is another one. A hidden tab does not ask; it asks at once when it is shown again.
(() => {
  const EVERY = 10_000;
  const days = () => document.querySelector("[data-live]");
  const isLocked = () => document.documentElement.classList.contains("screen-locked");
  let unattended = false;

  const look = async () => {
    const shown = days();
    if (!shown || document.hidden || isLocked() || document.documentElement.hasAttribute("data-dragging")) return;
    let answer;
    try {
      answer = await fetch(shown.dataset.live, { redirect: "manual", headers: { "X-Unattended": "yes" } });
    } catch {
      return; // No connection: the next look may have one.
    }
    if (isLocked()) return;
    if (answer.status === 423) document.dispatchEvent(new Event("screen-locked"));
    // Signed out meanwhile: names do not stay on a screen nobody is signed in to.
    if (answer.type === "opaqueredirect") location.reload();
    if (!answer.ok) return;
    const { mark } = await answer.json();
    if ([...document.querySelectorAll("[data-mark]")].every((each) => each.dataset.mark === mark)) return;
    unattended = true;
    window.htmx.trigger(document.body, "diary-changed");
    unattended = false;
  };
  document.addEventListener("htmx:configRequest", (event) => {
    // What htmx asks for on its own clock has no event that it answers to.
    if (unattended || !event.detail.triggeringEvent) event.detail.headers["X-Unattended"] = "yes";
  });
  document.addEventListener("visibilitychange", look);
  setInterval(look, EVERY);

  // Drawn again in place: what was scrolled, what had the focus and the offered way back stay as they were.
  let kept = null;
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target.id !== "day") return;
    const box = document.querySelector("#day .diary");
    kept = {
      top: box?.scrollTop,
      left: box?.scrollLeft,
      focus: document.activeElement?.closest("#day") ? document.activeElement.id : "",
      undo: document.querySelector("#day .undo"),
    };
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    if (!kept || !event.target.closest("#day")) return;
    const day = document.getElementById("day");
    const box = day.querySelector(".diary");
    if (box) box.scrollTo(kept.left ?? 0, kept.top ?? 0);
    if (kept.undo && !day.querySelector(".undo")) day.prepend(kept.undo);
    if (kept.focus) document.getElementById(kept.focus)?.focus({ preventScroll: true });
    kept = null;
  });
})();
