// The body map of a session: a zone that is chosen fills a row of the table, a row that is filled in marks its zone.
// Everything is in the table; the map only writes into it.
(() => {
  const map = document.getElementById("body-map");
  const shapes = [...map.querySelectorAll("[data-zone]")];
  const chooser = map.querySelector("[data-map-views]");
  const now = map.querySelector("[data-map-now]");

  // --- Rows: drawn anew by the server when one is added, so they are looked up each time ---------------------------
  const rows = () =>
    [...document.querySelectorAll("#zones tbody tr")].map((row) => ({
      zone: row.querySelector("select[name$=-zone]"),
      figures: [...row.querySelectorAll("input")],
    }));
  const rowOf = (key) => rows().find((row) => row.zone.value === key);
  const changed = (field) => {
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.dispatchEvent(new Event("change", { bubbles: true }));
  };

  let wanted = ""; // chosen while there was no empty row; the server is drawing one
  const choose = (key) => {
    const row = rowOf(key) ?? rows().find((each) => each.zone.value === "");
    wanted = row ? "" : key;
    if (!row) {
      document.querySelector("#zones [name=add_zone]").click();
      return;
    }
    if (row.zone.value !== key) {
      row.zone.value = key;
      changed(row.zone);
    }
    row.figures[0].focus();
    row.figures[0].select();
  };
  const empty = (key) => {
    const row = rowOf(key);
    if (!row) return;
    for (const field of [row.zone, ...row.figures]) field.value = "";
    changed(row.zone);
  };

  // --- The map says what the table says ---------------------------------------------------------------------------
  const mark = () => {
    const filled = new Map(rows().filter((row) => row.zone.value).map((row) => [row.zone.value, row.figures[0].value]));
    for (const shape of shapes) {
      const key = shape.dataset.zone;
      shape.setAttribute("aria-selected", String(filled.has(key)));
      map.querySelector(`[data-count="${key}"]`).textContent = filled.get(key) ?? "";
    }
  };
  document.addEventListener("input", (event) => {
    if (event.target.closest("#zones")) mark();
  });
  document.addEventListener("change", (event) => {
    if (event.target.closest("#zones")) mark();
  });
  document.addEventListener("htmx:afterSettle", () => {
    mark();
    // The running totals settle too, and may do so before the new row is there.
    if (wanted && rows().some((row) => row.zone.value === "")) choose(wanted);
  });

  // --- Tap and keys: one stop for the tab key, arrows within -------------------------------------------------------
  const move = (to) => {
    for (const each of to.parentElement.querySelectorAll("[data-zone]")) each.tabIndex = each === to ? 0 : -1;
    to.focus();
  };
  const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
  map.addEventListener("click", (event) => {
    const shape = event.target.closest("[data-zone]");
    if (shape) choose(shape.dataset.zone);
  });
  map.addEventListener("keydown", (event) => {
    const shape = event.target.closest("[data-zone]");
    if (!shape) return;
    const all = [...shape.parentElement.querySelectorAll("[data-zone]")];
    const at = all.indexOf(shape);
    if (event.key in STEPS) move(all[(at + STEPS[event.key] + all.length) % all.length]);
    else if (event.key === "Home") move(all[0]);
    else if (event.key === "End") move(all.at(-1));
    else if (event.key === "Enter" || event.key === " ") choose(shape.dataset.zone);
    else if (event.key === "Delete" || event.key === "Backspace") empty(shape.dataset.zone);
    else return;
    event.preventDefault();
  });
  const name = (event) => {
    const shape = event.target.closest("[data-zone]");
    now.textContent = shape ? shape.getAttribute("aria-label") : now.dataset.none;
  };
  map.addEventListener("pointerover", name);
  map.addEventListener("focusin", name);

  // --- One drawing at a time ---------------------------------------------------------------------------------------
  const show = (code) => {
    for (const button of chooser.children) button.setAttribute("aria-pressed", String(button.dataset.view === code));
    for (const view of map.querySelectorAll("[data-view-shown]")) view.hidden = view.dataset.viewShown !== code;
  };
  chooser.addEventListener("click", (event) => {
    const button = event.target.closest("[data-view]");
    if (button) show(button.dataset.view);
  });
  chooser.hidden = false;
  show(chooser.querySelector("[aria-pressed=true]").dataset.view);
  mark();
})();
