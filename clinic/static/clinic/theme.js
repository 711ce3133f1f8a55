// Runs before the page is drawn, so that a dark screen never flashes white. The choice is kept on this device.
(() => {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const choice = () => {
    try {
      return localStorage.getItem("theme") || "auto";
    } catch {
      return "auto"; // Storage may be forbidden; the device's own setting then decides.
    }
  };
  const apply = () => {
    const theme = choice() === "auto" ? (dark.matches ? "dark" : "light") : choice();
    document.documentElement.dataset.bsTheme = theme;
  };
  apply();
  dark.addEventListener("change", apply);
  window.mesoclinicTheme = {
    choice,
    choose(theme) {
      try {
        localStorage.setItem("theme", theme);
      } catch {
        // Without storage the choice lasts as long as the page.
        document.documentElement.dataset.bsTheme = theme;
        return;
      }
      apply();
    },
  };
})();
