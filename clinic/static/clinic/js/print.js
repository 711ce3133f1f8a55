// "Print" buttons; without it the browser's own menu prints just as well.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-print]");
  if (!button) return;
  document.documentElement.classList.toggle("prints-record", button.dataset.print === "record");
  window.print();
});
for (const button of document.querySelectorAll("[data-print]")) button.hidden = false;
