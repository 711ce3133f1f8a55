// What every page does in the browser. Everything works without it, only less comfortably.
(() => {
  // A tab beside a screen that was handed to a patient shows nothing any more: the server leads it there.
  new BroadcastChannel("hand-over").addEventListener("message", () => window.location.reload());

  const words = () => document.getElementById("words").dataset;

  // --- Theme -------------------------------------------------------------------------------------------------
  const markTheme = () => {
    for (const button of document.querySelectorAll("[data-theme-choice]")) {
      button.setAttribute("aria-pressed", String(button.dataset.themeChoice === window.mesoclinicTheme.choice()));
    }
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-theme-choice]");
    if (!button) return;
    window.mesoclinicTheme.choose(button.dataset.themeChoice);
    markTheme();
  });
  markTheme();

  // --- Messages: good news leaves by itself, everything else waits to be read -----------------------------------
  const KEPT_FOR = 8000;
  const watch = (message) => {
    if (message.dataset.watched) return;
    message.dataset.watched = "yes";
    const kind = message.classList;
    const mayLeave = kind.contains("toast-success") || kind.contains("toast-info");
    if (mayLeave && !message.querySelector("a, form")) setTimeout(() => message.remove(), KEPT_FOR);
  };
  const watchAll = () => document.querySelectorAll("[data-message]").forEach(watch);
  document.addEventListener("click", (event) => {
    event.target.closest("[data-dismiss]")?.closest("[data-message]")?.remove();
  });
  watchAll();

  const say = (text) => {
    const message = document.createElement("div");
    message.className = "toast-note toast-error";
    message.dataset.message = "";
    const sentence = document.createElement("p");
    sentence.textContent = text;
    const close = document.createElement("button");
    close.type = "button";
    close.className = "toast-close";
    close.dataset.dismiss = "";
    close.setAttribute("aria-label", words().dismiss);
    close.textContent = "×";
    message.append(sentence, close);
    document.getElementById("messages").append(message);
  };
  document.addEventListener("clinic-says", (event) => say(event.detail));
  document.addEventListener("htmx:responseError", () => say(words().failed));
  document.addEventListener("htmx:sendError", () => say(words().offline));
  document.addEventListener("htmx:timeout", () => say(words().offline));

  // --- Slow work shows itself, but only after 300 ms: quick answers must not flicker ------------------------------
  let underWay = 0;
  const busy = (change) => {
    underWay = Math.max(0, underWay + change);
    setTimeout(() => document.documentElement.toggleAttribute("data-busy", underWay > 0), change > 0 ? 300 : 0);
  };
  document.addEventListener("htmx:beforeRequest", () => busy(1));
  document.addEventListener("htmx:afterRequest", () => busy(-1));

  // --- After a refused form the eye and the screen reader go to what is wrong -----------------------------------
  const focusWanted = (root) => root.querySelector("[data-focus]")?.focus();
  focusWanted(document);
  document.addEventListener("htmx:afterSettle", (event) => {
    watchAll();
    focusWanted(event.target);
  });

  // --- Rows with a tick each: all of them or none in one go, and how many are ticked ------------------------------
  const ticksOf = (group) => [...group.closest("form").querySelectorAll(`input[name="${group.dataset.ticks}"]`)];
  const countTicks = (form) => {
    for (const group of form?.querySelectorAll("[data-ticks]") ?? []) {
      const ticks = ticksOf(group);
      const ticked = ticks.filter((each) => each.checked).length;
      group.querySelector("[data-ticked]").textContent = group.dataset.said.replace("{n}", ticked).replace("{total}", ticks.length);
    }
  };
  const showTicks = (root) => {
    for (const group of root.querySelectorAll("[data-ticks]")) {
      group.hidden = ticksOf(group).length < 2;
      countTicks(group.closest("form"));
    }
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-tick]");
    if (!button) return;
    for (const tick of ticksOf(button.closest("[data-ticks]"))) tick.checked = button.dataset.tick === "all";
    countTicks(button.form);
  });
  document.addEventListener("change", (event) => countTicks(event.target.form));
  window.addEventListener("pageshow", () => showTicks(document)); // after the browser has put old ticks back
  document.addEventListener("htmx:afterSettle", (event) => showTicks(event.target));

  // --- A form is sent once: a second click on "Book" is a slip of the finger ------------------------------------
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post" || form.closest("[hx-post], [hx-put], [hx-patch], [hx-delete], [data-downloads]")) return;
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
  window.addEventListener("pageshow", () => {
    document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent);
  });

  // --- The now-line: the server places it, this moves it by one row every five minutes --------------------------
  const FIVE_MINUTES = 5 * 60 * 1000;
  const moveNowLines = () => {
    for (const line of document.querySelectorAll("[data-now-line]")) {
      const row = /\bfrom-(\d+)\b/.exec(line.className);
      if (row) line.className = line.className.replace(row[0], `from-${Number(row[1]) + 1}`);
    }
  };
  if (document.querySelector("[data-now-line]")) setInterval(moveNowLines, FIVE_MINUTES);
})();
