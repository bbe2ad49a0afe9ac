// The theme: the system's, light or dark. It runs before the page is shown, so that no other theme
// flashes up.
"use strict";

(() => {
  const themes = ["system", "light", "dark"];
  const root = document.documentElement;

  function stored() {
    try {
      return localStorage.getItem("scurry-theme");
    } catch {
      return null; // the browser keeps nothing
    }
  }

  function use(theme) {
    if (theme === "system") {
      delete root.dataset.theme;
    } else {
      root.dataset.theme = theme;
    }
  }

  let theme = themes.includes(stored()) ? stored() : "system";
  use(theme);

  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    const label = () => {
      button.textContent = "Theme: " + theme;
    };
    label();
    button.addEventListener("click", () => {
      theme = themes[(themes.indexOf(theme) + 1) % themes.length];
      use(theme);
      label();
      try {
        localStorage.setItem("scurry-theme", theme);
      } catch {
        // it holds until the page is left
      }
    });
  });
})();
