// A board to sign on with a finger, a pen or the mouse. What is drawn goes into a hidden field as strokes of
// [x, y, milliseconds since the first touch]; without this script, or with the keyboard, the typed name signs.
(() => {
  const WIDTH = 600;
  const HEIGHT = 200;
  const AN_HOUR = 3600000; // milliseconds; later ones count as this
  const CLOSER_THAN = 2; // units of the board; nearer points add nothing to the line
  const within = (value, most) => Math.max(0, Math.min(most, Math.round(value)));
  const line = (stroke) =>
    `M${stroke.map(([across, down]) => `${across} ${down}`).join("L")}${stroke.length === 1 ? "h0" : ""}`;

  const restored = (field) => {
    try {
      const strokes = JSON.parse(field.value || "[]");
      const whole = (stroke) => Array.isArray(stroke) && stroke.length > 0 && stroke.every(Array.isArray);
      return Array.isArray(strokes) && strokes.every(whole) ? strokes : [];
    } catch {
      return [];
    }
  };

  for (const frame of document.querySelectorAll("[data-signature]")) {
    const field = document.getElementById(frame.dataset.signature);
    const board = frame.querySelector("[data-signature-board]");
    const path = board.querySelector("path");
    let strokes = restored(field);
    let stroke = null;
    let began = 0;

    const draw = () => path.setAttribute("d", strokes.map(line).join(""));
    const keep = () => {
      field.value = strokes.length ? JSON.stringify(strokes) : "";
    };
    const point = (event) => {
      const box = board.getBoundingClientRect();
      return [
        within(((event.clientX - box.left) / box.width) * WIDTH, WIDTH),
        within(((event.clientY - box.top) / box.height) * HEIGHT, HEIGHT),
        within(event.timeStamp - began, AN_HOUR),
      ];
    };

    board.addEventListener("pointerdown", (event) => {
      if (!event.isPrimary || event.button !== 0) return;
      event.preventDefault();
      board.setPointerCapture(event.pointerId);
      if (!strokes.length) began = event.timeStamp;
      stroke = [point(event)];
      strokes.push(stroke);
      draw();
    });
    board.addEventListener("pointermove", (event) => {
      if (!stroke || !event.isPrimary) return;
      const next = point(event);
      const last = stroke.at(-1);
      if (Math.hypot(next[0] - last[0], next[1] - last[1]) < CLOSER_THAN) return;
      stroke.push(next);
      draw();
    });
    const lift = () => {
      stroke = null;
      keep();
    };
    board.addEventListener("pointerup", lift);
    board.addEventListener("pointercancel", lift);
    frame.querySelector("[data-signature-clear]").addEventListener("click", () => {
      strokes = [];
      keep();
      draw();
    });

    draw();
    frame.hidden = false;
  }
})();
