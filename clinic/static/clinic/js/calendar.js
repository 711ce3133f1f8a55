// The calendar: the diary with a mouse. Times are the clinic's wall clock throughout; the server alone turns them into
// instants. The page says everything this needs (json_script), and the list beside it stands in on a phone.
(() => {
  const box = document.getElementById("calendar");
  const wide = window.matchMedia("(min-width: 48rem)");
  if (!box || !window.EventCalendar) return;
  const given = JSON.parse(document.getElementById("calendar-settings").textContent);
  const words = document.getElementById("words").dataset;
  const csrf = JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"];
  const say = (text) => document.dispatchEvent(new CustomEvent("clinic-says", { detail: text }));
  const two = (number) => String(number).padStart(2, "0");

  let calendar = null;
  let lanes = "";
  let fresh = given; // what the page brought along; later it is asked for

  // The library hands out dates whose local parts are what the wall clock shows, whatever zone the browser is in.
  const wallClock = (date) =>
    `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}T${two(date.getHours())}:${two(date.getMinutes())}`;

  const events = async () => {
    const feed = fresh ?? (await (await fetch(given.feed)).json());
    if (!fresh && feed.lanes.map(({ id }) => id).join() !== lanes) calendar.setOption("resources", feed.lanes);
    lanes = feed.lanes.map(({ id }) => id).join();
    fresh = null;
    box.dataset.mark = feed.mark;
    return feed.events;
  };

  // --- What a card shows: the same as in the diary ---------------------------------------------------------------
  const text = (tag, className, content) => {
    const element = document.createElement(tag);
    element.className = className;
    element.textContent = content;
    return element;
  };
  const drawn = (name) =>
    document.getElementById("calendar-icons").content.querySelector(`[data-icon="${name}"]`).firstElementChild.cloneNode(true);
  const badge = (className, icon, word) => {
    const element = text("span", className, "");
    element.append(drawn(icon));
    element.append(text("span", "", word));
    return element;
  };
  const content = ({ event }) => {
    const shown = event.extendedProps;
    if (event.display === "background") return event.title ? { domNodes: [text("span", "shade-text", event.title)] } : "";
    const name = text("span", "visit-name", "");
    name.append(text("bdi", "", event.title));
    const state = text("span", "visit-state", "");
    state.append(badge(`state state-${shown.status}`, shown.status, shown.status_word));
    if (shown.readiness) state.append(badge(`readiness readiness-${shown.readiness}`, shown.readiness, shown.readiness_word));
    if (shown.told) state.append(drawn(shown.told));
    return { domNodes: [name, text("span", "visit-what", `${shown.time} ${shown.what}`), state] };
  };

  // Asked by the card: it is marked while its panel is open and has the focus again afterwards (diary.js).
  const open = ({ el, event }) =>
    window.htmx.ajax("GET", event.extendedProps.url, { source: el, target: "#panel-body", swap: "innerHTML" });

  // The library makes tables of roles without rows: put right here.
  const mend = () => {
    for (const element of box.querySelectorAll('[role="table"], [role="row"], [role="rowgroup"], [role="columnheader"], [role="rowheader"], [role="cell"], [role="grid"], [role="gridcell"]')) {
      for (const name of ["role", "aria-colindex", "aria-rowindex", "aria-colspan", "aria-rowspan"]) element.removeAttribute(name);
    }
  };
  const mounted = ({ el, event }) => {
    const shown = event.extendedProps;
    if (event.display === "background" || !shown.url) return;
    el.dataset.visit = event.id;
    el.id = `calendar-${event.id}`;
    el.classList.toggle("visit-short", event.end - event.start < 25 * 60_000);
    el.setAttribute("aria-label", [shown.time, event.title, shown.what, shown.where, shown.status_word, shown.readiness_word].filter(Boolean).join(", "));
  };

  // --- Moving and lengthening -------------------------------------------------------------------------------------
  const dragging = (now) => () => document.documentElement.toggleAttribute("data-dragging", now);

  const send = async (info, fields) => {
    const shown = info.event.extendedProps;
    let answer = {};
    let done = false;
    let connected = false;
    try {
      const response = await fetch(shown.move, {
        method: "POST",
        headers: { "X-CSRFToken": csrf },
        body: new URLSearchParams({ version: shown.version, next: location.pathname + location.search, ...fields }),
      });
      connected = true;
      if (response.status === 423) document.dispatchEvent(new Event("screen-locked"));
      done = response.ok;
      answer = await response.json();
    } catch {
      // No connection, or an answer that is none: what was said above stands.
    }
    if (!done) {
      info.revert();
      if (answer.lead) location.assign(answer.lead);
      else say(answer.message ?? (connected ? words.failed : words.offline));
    }
    window.htmx.trigger(document.body, "diary-changed");
  };
  const patientStart = (event) => wallClock(new Date(event.start.getTime() - event.extendedProps.lead * 60_000));
  const dropped = (info) => send(info, { starts_at: patientStart(info.event), lane: info.newResource?.id ?? "" });
  const resized = (info) => {
    const longer = (info.event.end - info.oldEvent.end) / 60_000;
    return send(info, { starts_at: patientStart(info.event), minutes: info.event.extendedProps.minutes + longer });
  };
  const clicked = (info) => {
    if (box.dataset.mayBook !== "yes") return;
    const lane = info.resource?.id ?? given.lane;
    location.assign(`${given.book}?${new URLSearchParams({ starts_at: wallClock(info.date), lane })}`);
  };

  const start = () => {
    if (calendar || !wide.matches) return;
    box.textContent = "";
    calendar = window.EventCalendar.create(box, {
      view: given.view,
      date: given.date,
      timeZone: given.offset,
      firstDay: 1,
      hiddenDays: given.view === "timeGridWeek" ? given.hidden_days : [],
      resources: given.lanes,
      headerToolbar: { start: "", center: "", end: "" },
      allDaySlot: false,
      slotDuration: { minutes: given.grid },
      slotLabelInterval: { hours: 1 },
      slotHeight: given.grid * 2,
      snapDuration: { minutes: given.grid },
      slotMinTime: given.opens,
      slotMaxTime: given.closes,
      slotEventOverlap: false,
      slotLabelFormat: (date) => `${two(date.getHours())}:${two(date.getMinutes())}`,
      height: "100%",
      columnWidth: given.view === "timeGridWeek" ? undefined : "minmax(11rem, 1fr)",
      locale: document.documentElement.lang,
      dayHeaderFormat: { weekday: "short", day: "numeric", month: "short" },
      nowIndicator: true,
      eventSources: [{ events }],
      eventContent: content,
      eventDidMount: mounted,
      eventAllUpdated: mend,
      viewDidMount: mend,
      // With it the library makes a button of each card, and takes Enter and space for a click.
      eventClick: (info) => info.event.display !== "background" && open(info),
      eventDragStart: dragging(true),
      eventDragStop: dragging(false),
      eventResizeStart: dragging(true),
      eventResizeStop: dragging(false),
      eventDrop: dropped,
      eventResize: resized,
      dateClick: clicked,
      editable: true,
    });
    mend();
  };
  start();
  wide.addEventListener("change", start);
  document.body.addEventListener("diary-changed", () => calendar?.refetchEvents());
})();
