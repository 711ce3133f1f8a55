// The booking panel: the button says what it will do, arrow keys walk the times from anywhere on the page, Enter books.
(() => {
  const chosen = () => document.querySelector('#booking input[name="choice"]:checked');
  const say = () => {
    const button = document.querySelector("[data-book]");
    if (!button) return;
    button.querySelector("[data-book-words]").textContent = chosen()
      ? `${button.dataset.verb} ${chosen().dataset.sentence}`
      : button.dataset.verb;
  };
  document.addEventListener("change", (event) => {
    if (event.target.name === "choice") say();
  });

  // The first free time is chosen and has the focus: on radio buttons arrow keys and Enter are the browser's own.
  const begin = () => {
    if (!document.querySelector("[data-focus]")) chosen()?.focus({ preventScroll: true });
  };

  // After a click on a chip the focus stays on it; the arrows walk on from the chosen time all the same.
  const own = "input, textarea, select, button, summary, [contenteditable], [role=menu]";
  const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };
  document.addEventListener("keydown", (event) => {
    if (!step[event.key] || event.ctrlKey || event.metaKey || event.altKey || event.target.closest(own)) return;
    const times = [...document.querySelectorAll('#booking input[name="choice"]')].filter((each) => each.checkVisibility());
    const next = times[times.indexOf(chosen()) + step[event.key]];
    if (!next) return;
    event.preventDefault();
    next.checked = true;
    next.focus();
    say();
  });

  document.addEventListener("htmx:afterSettle", say);
  say();
  begin();
})();
