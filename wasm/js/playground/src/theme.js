// Light, dark, or what the system has. The choice is kept where the browser keeps anything for the page.

const KEY = "istio-cloud-map-theme";

export function themeChoice(fieldset) {
  const apply = (theme) => {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  };
  const kept = attempt(() => localStorage.getItem(KEY));
  for (const radio of fieldset.querySelectorAll("input")) {
    if (radio.value === kept) radio.checked = true;
    if (radio.checked) apply(radio.value);
    radio.addEventListener("change", () => {
      apply(radio.value);
      attempt(() => localStorage.setItem(KEY, radio.value));
    });
  }
}

/** Some browsers refuse storage to pages from a disk. */
function attempt(action) {
  try {
    return action();
  } catch {
    return undefined;
  }
}
