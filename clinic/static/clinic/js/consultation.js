// The consultation page: how many questions are answered, and "no" to all that are still open. Works on what the
// server drew; without it every question is simply answered by hand.
(() => {
  const open = () =>
    [...document.querySelectorAll("[data-question]")].filter((row) => !row.querySelector("input:checked"));

  const count = () => {
    const status = document.querySelector("[data-answered]");
    if (!status) return;
    const all = document.querySelectorAll("[data-question]").length;
    const left = open().length;
    status.textContent = status.dataset.answered.replace("%answered", String(all - left)).replace("%all", String(all));
    const button = document.querySelector("[data-no-to-all]");
    button.hidden = left === 0;
    button.querySelector("[data-left]").textContent = String(left);
  };

  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-no-to-all]")) return;
    // What cannot be seen was not asked. All are looked at before any is changed, so that the page is laid out once.
    const asked = open().filter((row) => row.offsetParent !== null);
    for (const row of asked) row.querySelector('input[value="no"]').checked = true;
    count();
    document.querySelector("[data-answered]").focus();
  });
  document.addEventListener("change", (event) => {
    if (event.target.closest("[data-question]")) count();
  });
  document.addEventListener("htmx:afterSettle", count);

  // A choice redraws parts of the page. What was typed while the answer was on its way must not be lost: then the
  // answer is thrown away and asked for again.
  const typed = (form) => new URLSearchParams(new FormData(form)).toString();
  let sent = "";
  document.addEventListener("htmx:beforeRequest", (event) => {
    const form = event.target.closest("form");
    if (form) sent = typed(form);
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    const chooser = event.detail.requestConfig.elt;
    const form = chooser.closest("form");
    if (!form || typed(form) === sent) return;
    event.detail.shouldSwap = false;
    chooser.dispatchEvent(new Event("change", { bubbles: true }));
  });
  count();
})();
