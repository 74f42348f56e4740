// The theme changes at once; the cookie lets the server draw the next page in it, without a flash.
const YEAR = 31_536_000; // seconds
const root = document.documentElement;

/** Show *theme* (light, dark or auto) now and remember it. */
export function setTheme(theme) {
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `integhub_theme=${theme}; path=/; max-age=${YEAR}; samesite=lax${secure}`;
  root.toggleAttribute("data-theme-auto", theme === "auto");
  const dark = theme === "dark" || (theme === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
  root.dataset.bsTheme = dark ? "dark" : "light";
  for (const button of document.querySelectorAll("[data-theme-choice] [name=theme]")) {
    button.classList.toggle("active", button.value === theme);
    button.setAttribute("aria-pressed", String(button.value === theme));
  }
  document.dispatchEvent(new CustomEvent("theme:changed"));
}

document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-theme-choice]") || !event.submitter) return;
  event.preventDefault();
  setTheme(event.submitter.value);
});
