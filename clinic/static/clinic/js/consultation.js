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
    for (const row of open()) {
      // What cannot be seen was not asked.
      if (row.offsetParent === null) continue;
      row.querySelector('input[value="no"]').checked = true;
    }
    count();
    document.querySelector("[data-answered]").focus();
  });
  document.addEventListener("change", (event) => {
    if (event.target.closest("[data-question]")) count();
  });
  document.addEventListener("htmx:afterSettle", count);
  document.addEventListener("htmx:oobAfterSwap", count);
  count();
})();
