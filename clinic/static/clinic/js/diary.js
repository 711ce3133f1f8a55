// The diary: the panel opens when it has been filled, arrow keys walk the free places of a column.
(() => {
  const panel = document.getElementById("panel");

  document.addEventListener("htmx:afterSwap", (event) => {
    if (!event.target.closest("#panel-body")) return;
    window.tabler.Offcanvas.getOrCreateInstance(panel).show();
  });

  // Which card is open stays marked while the panel shows it, also after the day was drawn again.
  let opened = "";
  const card = () => (opened ? document.getElementById(opened) : null);
  const mark = () => card()?.setAttribute("aria-current", "true");
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (!event.detail.elt.matches(".visit, [data-visit]")) return;
    card()?.removeAttribute("aria-current");
    opened = event.detail.elt.id;
    mark();
  });
  document.addEventListener("htmx:afterSettle", mark);
  panel?.addEventListener("hidden.bs.offcanvas", () => {
    card()?.removeAttribute("aria-current");
    card()?.focus();
    opened = "";
  });

  // One stop of the Tab key a column: Up and Down walk its free places.
  document.addEventListener("keydown", (event) => {
    const place = event.target.closest?.("[data-free]");
    if (!place || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
    const places = [...place.parentElement.querySelectorAll("[data-free]")];
    const next = places[places.indexOf(place) + (event.key === "ArrowDown" ? 1 : -1)];
    if (!next) return;
    event.preventDefault();
    place.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });

  // Choosing a day in the picker goes there.
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-submits]") && event.target.value) event.target.form.requestSubmit();
  });

  // The day opens at the working hour it is, not at its first one.
  document.querySelector(".diary [data-now-line]")?.scrollIntoView({ block: "center", inline: "nearest" });
  window.scrollTo({ top: 0 });
})();
