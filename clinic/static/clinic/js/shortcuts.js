// Keyboard shortcuts, from the table of the help dialog: a row names its keys and what carries data-shortcut. Single
// keys can be switched off on this device (WCAG 2.1.4), because speech input and a resting hand press them, too.
(() => {
  const dialog = document.getElementById("shortcuts");
  if (!dialog) return;
  const box = document.getElementById("shortcuts-on");
  const KEPT = "shortcuts";
  // Letters are nothing to a box that is ticked; the one in a dialog keeps the focus for a moment after the dialog has closed.
  const typing = (element) => element.closest("input:not([type=checkbox]), textarea, select, [contenteditable]");
  let on = true;
  try {
    on = localStorage.getItem(KEPT) !== "off";
  } catch {
    // Storage may be forbidden; they then work.
  }
  box.checked = on;
  box.addEventListener("change", () => {
    on = box.checked;
    try {
      localStorage.setItem(KEPT, on ? "on" : "off");
    } catch {
      // Without storage the choice lasts as long as the page.
    }
  });

  const rows = new Map();
  for (const row of dialog.querySelectorAll("[data-shortcut-row]")) {
    for (const key of row.dataset.keys.split(" ")) rows.set(key, row.dataset.shortcutRow);
  }
  const open = () => (dialog.open ? dialog.close() : dialog.showModal());
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-open-shortcuts]")) open();
    if (event.target.closest("[data-close-shortcuts]")) dialog.close();
  });

  // Arrows belong to whatever has the focus: lists of times, menus, a box that scrolls.
  const isFree = (event) => !event.key.startsWith("Arrow") || ["main", ""].includes(event.target.id) && event.target.matches("body, main");
  document.addEventListener("keydown", (event) => {
    if (!on || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (typing(event.target) || !isFree(event)) return;
    const name = rows.get(event.key.length === 1 ? event.key.toLowerCase() : event.key);
    if (!name) return;
    if (name === "help") {
      event.preventDefault();
      open();
      return;
    }
    const target = dialog.open || document.querySelector(".offcanvas.show") ? null : document.querySelector(`[data-shortcut="${CSS.escape(name)}"]`);
    if (!target) return;
    event.preventDefault();
    if (typing(target)) target.focus();
    else target.click();
  });
})();
