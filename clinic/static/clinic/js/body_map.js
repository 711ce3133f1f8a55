// The body map of a session: a zone that is chosen fills a row of the table, a row that is filled in marks its zone.
// Points are set one by one where somebody wants to: the row keeps their places, and its figure follows them.
// Everything is in the table; the map only writes into it.
(() => {
  const map = document.getElementById("body-map");
  const shapes = [...map.querySelectorAll("[data-zone]")];
  const chooser = map.querySelector("[data-map-views]");
  const now = map.querySelector("[data-map-now]");
  const tools = map.querySelector("[data-map-tools]");
  const said = map.querySelector("[data-map-said]");
  const TENTHS = 10; // a place is written in tenths of the drawing's units

  // --- Rows: drawn anew by the server when one is added, so they are looked up each time ---------------------------
  const rows = () =>
    [...document.querySelectorAll("#zones tbody tr")].map((row) => ({
      zone: row.querySelector("select[name$=-zone]"),
      figures: [...row.querySelectorAll("input:not([type=hidden])")],
      points: row.querySelector("input[name$=-points]"),
      places: row.querySelector("input[name$=-places]"),
      note: row.querySelector("[data-places-note]"),
    }));
  const rowOf = (key) => rows().find((row) => row.zone.value === key);
  const emptyRow = () => rows().find((row) => row.zone.value === "");
  const placesOf = (row) => (row?.places?.value ? row.places.value.split(" ") : []);
  const changed = (field) => {
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.dispatchEvent(new Event("change", { bubbles: true }));
  };

  // What is done while the server draws another row waits for it: a row that is drawn anew would not have it.
  const waiting = [];
  const withRow = (key, act) => {
    const row = waiting.length ? null : (rowOf(key) ?? emptyRow());
    if (row) return act(row);
    waiting.push([key, act]);
    if (waiting.length === 1) document.querySelector("#zones [name=add_zone]").click();
  };
  const goOn = () => {
    if (!waiting.length || !emptyRow()) return;
    for (const [key, act] of waiting.splice(0)) withRow(key, act);
  };

  // --- Every change by the map can be taken back -------------------------------------------------------------------
  const before = [];
  let isTakingBack = false;
  const remember = (row, key) =>
    before.push({
      key,
      zone: row.zone.value,
      figures: row.figures.map((field) => field.value),
      places: row.places?.value ?? "",
    });
  const takeBack = () => {
    const last = before.pop();
    if (!last) return say(tools.dataset.nothing);
    withRow(last.key, (row) => {
      isTakingBack = true;
      row.zone.value = last.zone;
      row.figures.forEach((field, index) => (field.value = last.figures[index]));
      if (row.places) row.places.value = last.places;
      changed(row.zone);
      isTakingBack = false;
      tell(last.key);
    });
  };

  const choose = (key) =>
    withRow(key, (row) => {
      if (row.zone.value !== key) {
        remember(row, key);
        row.zone.value = key;
        changed(row.zone);
      }
      row.figures[0].focus();
      row.figures[0].select();
    });
  const empty = (key) => {
    const row = rowOf(key);
    if (!row) return;
    remember(row, key);
    for (const field of [row.zone, row.places, ...row.figures]) if (field) field.value = "";
    changed(row.zone);
    tell(key);
  };

  // --- Points one by one -------------------------------------------------------------------------------------------
  const say = (words) => (said.textContent = words);
  const tell = (key) => {
    const shape = map.querySelector(`[data-zone="${key}"]`);
    const count = rowOf(key)?.points?.value || "0";
    say(said.dataset.said.replace("%zone", shape.dataset.name).replace("%count", count));
  };
  const isByPoint = () => tools.querySelector("[data-by-point]")?.getAttribute("aria-pressed") === "true";
  let latest = ""; // the zone of the last point
  const write = (row, key, places) => {
    remember(row, key);
    row.zone.value = key;
    row.places.value = places.join(" ");
    row.points.value = places.length || "";
    latest = key;
    changed(row.points);
    tell(key);
  };
  const put = (key, { x, y }) => {
    const place = [x, y].map((each) => Math.max(0, Math.round(each * TENTHS))).join(",");
    withRow(key, (row) => write(row, key, [...placesOf(row), place]));
  };
  const removeLast = (key) => {
    const row = rowOf(key);
    if (!placesOf(row).length) return say(tools.dataset.none);
    write(row, row.zone.value, placesOf(row).slice(0, -1));
  };
  const withPoints = () => {
    const keys = rows().filter((row) => placesOf(row).length).map((row) => row.zone.value);
    return keys.includes(latest) ? latest : keys.at(-1);
  };
  const placeAt = (svg, event) =>
    new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());

  // By keys: a cross that the arrows move within the zone, over the gap where a zone has two parts.
  const SMALL = 2; // units of the drawing, which is 200 wide
  const LARGE = 10;
  const ACROSS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  let aim = null;
  const showAim = () => {
    for (const cross of map.querySelectorAll("[data-aim]")) cross.setAttribute("d", "");
    if (!aim) return;
    const cross = aim.shape.ownerSVGElement.querySelector("[data-aim]");
    cross.setAttribute("d", `M${aim.x - 6} ${aim.y}h12M${aim.x} ${aim.y - 6}v12`);
  };
  const isWithin = (shape, x, y) => shape.isPointInFill(new DOMPoint(x, y));
  const take = (shape) => {
    const label = map.querySelector(`[data-count="${shape.dataset.zone}"]`);
    aim = { shape, x: Number(label.getAttribute("x")), y: Number(label.getAttribute("y")) };
    showAim();
    say(tools.dataset.aim);
  };
  const letGo = () => {
    aim = null;
    showAim();
  };
  const moveAim = ([across, down], step) => {
    for (let far = step; far <= 200; far += SMALL) {
      const [x, y] = [aim.x + across * far, aim.y + down * far];
      if (!isWithin(aim.shape, x, y)) continue;
      aim = { ...aim, x, y };
      return showAim();
    }
  };
  const aimed = (event) => {
    const key = aim.shape.dataset.zone;
    if (event.key in ACROSS) moveAim(ACROSS[event.key], event.shiftKey ? LARGE : SMALL);
    else if (event.key === "Enter" || event.key === " ") put(key, aim);
    else if (event.key === "Backspace") removeLast(key);
    else if (event.key === "Escape") letGo();
    else return false;
    return true;
  };

  // --- The map says what the table says ---------------------------------------------------------------------------
  const mark = () => {
    const filled = new Map();
    const dots = new Map();
    for (const row of rows()) {
      const places = placesOf(row);
      if (row.note) {
        row.note.hidden = !places.length;
        row.note.textContent = row.note.dataset.placesNote.replace("%count", places.length);
      }
      if (!row.zone.value) continue;
      filled.set(row.zone.value, row.figures[0].value);
      const dot = (place) => `M${place.split(",").map((each) => each / TENTHS).join(" ")}h0`;
      dots.set(row.zone.value, places.map(dot).join(""));
    }
    for (const shape of shapes) {
      const key = shape.dataset.zone;
      shape.setAttribute("aria-selected", String(filled.has(key)));
      map.querySelector(`[data-dots="${key}"]`).setAttribute("d", dots.get(key) ?? "");
      // The figure would lie over the points.
      map.querySelector(`[data-count="${key}"]`).textContent = dots.get(key) ? "" : (filled.get(key) ?? "");
    }
  };
  document.addEventListener("input", (event) => {
    if (event.target.closest("#zones")) mark();
  });
  document.addEventListener("change", (event) => {
    if (!event.target.closest("#zones")) return;
    // Another zone was chosen for the row: its points were in the one before.
    const moved = rows().find((row) => row.zone === event.target && placesOf(row).length);
    if (moved && !isTakingBack) moved.places.value = "";
    mark();
  });
  document.addEventListener("htmx:afterSettle", () => {
    mark();
    // The running totals settle too, and may do so before the new row is there.
    goOn();
  });

  // --- Closer: the drawing shows one zone alone, so that points have room on a telephone ---------------------------
  const closer = tools.querySelector("[data-closer]");
  const ROOM = 1.3; // of what is shown to the zone
  const wholes = new Map(
    [...map.querySelectorAll("[data-view-shown] svg")].map((svg) => [svg, svg.getAttribute("viewBox")]),
  );
  let touched = null; // the zone last tapped or reached
  const isClose = () => closer.getAttribute("aria-pressed") === "true";
  const closeTo = (shape) => {
    for (const [svg, whole] of wholes) svg.setAttribute("viewBox", whole);
    closer.setAttribute("aria-pressed", String(shape !== null));
    map.classList.toggle("is-close", shape !== null);
    if (!shape) return;
    const zone = shape.getBBox();
    const width = Math.max(zone.width, zone.height / 2) * ROOM;
    const height = Math.max(zone.height * ROOM, width / 2);
    const [left, top] = [zone.x + (zone.width - width) / 2, zone.y + (zone.height - height) / 2];
    shape.ownerSVGElement.setAttribute("viewBox", `${left} ${top} ${width} ${height}`);
  };
  const inView = () => {
    const view = map.querySelector("[data-view-shown]:not([hidden])");
    if (touched && view.contains(touched)) return touched;
    return view.querySelector("[aria-selected=true]") ?? view.querySelector("[data-zone][tabindex='0']");
  };

  // --- Tap and keys: one stop for the tab key, arrows within -------------------------------------------------------
  const move = (to, options) => {
    for (const each of to.parentElement.querySelectorAll("[data-zone]")) each.tabIndex = each === to ? 0 : -1;
    to.focus(options);
  };
  const reach = (shape) => {
    move(shape);
    touched = shape;
    if (isClose()) closeTo(shape);
  };
  const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
  map.addEventListener("click", (event) => {
    const shape = event.target.closest("[data-zone]");
    if (!shape) return;
    touched = shape;
    if (!isByPoint()) return choose(shape.dataset.zone);
    letGo();
    move(shape, { preventScroll: true }); // the next tap is meant for where the map stands now
    put(shape.dataset.zone, placeAt(shape.ownerSVGElement, event));
  });
  map.addEventListener("keydown", (event) => {
    const shape = event.target.closest("[data-zone]");
    if (!shape) return;
    if ((event.ctrlKey || event.metaKey) && event.key === "z") {
      takeBack();
      event.preventDefault();
      return;
    }
    if (aim && aimed(event)) {
      event.preventDefault();
      return;
    }
    const all = [...shape.parentElement.querySelectorAll("[data-zone]")];
    const at = all.indexOf(shape);
    if (event.key in STEPS) reach(all[(at + STEPS[event.key] + all.length) % all.length]);
    else if (event.key === "Home") reach(all[0]);
    else if (event.key === "End") reach(all.at(-1));
    else if (event.key === "Enter" || event.key === " ") (isByPoint() ? take : (each) => choose(each.dataset.zone))(shape);
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
  map.addEventListener("focusout", letGo);
  tools.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if ("undo" in button.dataset) return takeBack();
    if ("last" in button.dataset) return removeLast(withPoints());
    if (button === closer) return closeTo(isClose() ? null : inView());
    button.setAttribute("aria-pressed", String(!isByPoint()));
    map.classList.toggle("is-by-point", isByPoint());
    for (const part of map.querySelectorAll("[data-map-hint], [data-last]")) part.hidden = !isByPoint();
  });

  // --- One drawing at a time ---------------------------------------------------------------------------------------
  const show = (code) => {
    closeTo(null);
    for (const button of chooser.children) button.setAttribute("aria-pressed", String(button.dataset.view === code));
    for (const view of map.querySelectorAll("[data-view-shown]")) view.hidden = view.dataset.viewShown !== code;
  };
  chooser.addEventListener("click", (event) => {
    const button = event.target.closest("[data-view]");
    if (button) show(button.dataset.view);
  });
  chooser.hidden = false;
  tools.hidden = false;
  // A draft with points set one by one goes on so.
  if (rows().some((row) => placesOf(row).length)) tools.querySelector("[data-by-point]")?.click();
  show(chooser.querySelector("[aria-pressed=true]").dataset.view);
  mark();
})();
