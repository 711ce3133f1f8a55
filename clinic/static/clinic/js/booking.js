// The booking panel: the button says what it will do. Arrow keys and Enter are the browser's own, on radio buttons.
(() => {
  const say = () => {
    const button = document.querySelector("[data-book]");
    if (!button) return;
    const chosen = document.querySelector('#booking input[name="choice"]:checked');
    button.querySelector("[data-book-words]").textContent = chosen
      ? `${button.dataset.verb} ${chosen.dataset.sentence}`
      : button.dataset.verb;
  };
  document.addEventListener("change", (event) => {
    if (event.target.name === "choice") say();
  });
  document.addEventListener("htmx:afterSettle", say);
  say();
})();
