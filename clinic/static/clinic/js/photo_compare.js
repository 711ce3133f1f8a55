// Two photographs: side by side (which also works without this), one wiped over the other, or one laid over the other.
for (const compare of document.querySelectorAll("[data-compare]")) {
  const tools = compare.querySelector("[data-tools]");
  const range = compare.querySelector("[data-range]");
  const share = range.querySelector("input");

  const show = (how) => {
    compare.dataset.show = how;
    range.hidden = how === "beside";
  };
  const draw = () => {
    compare.style.setProperty("--share", `${100 - share.value}%`);
    compare.style.setProperty("--part", share.value / 100);
    share.setAttribute("aria-valuetext", `${share.value} %`);
  };
  tools.addEventListener("change", (event) => {
    if (event.target.name === "show") show(event.target.value);
  });
  share.addEventListener("input", draw);
  tools.hidden = false;
  // A browser that goes back to the page has kept what was chosen.
  show(tools.querySelector("[name=show]:checked").value);
  draw();
}
