// Refreshes the page every five seconds and filters as one types. Without it, the form does.
"use strict";
(() => {
  const form = document.forms[0], filter = form.elements.q;
  let page = new URLSearchParams(location.search).get("page"), asked = 0, timer;
  form.querySelector("button").hidden = true;

  function query() {
    const fields = new URLSearchParams();
    if (filter.value.trim()) fields.set("q", filter.value.trim());
    if (form.elements.problems.checked) fields.set("problems", "1");
    if (page) fields.set("page", page);
    return fields.size ? "?" + fields : "";
  }
  // What is selected, or has the focus, is left alone until the next time.
  function isBusy(part) {
    const selection = getSelection();
    return part.contains(document.activeElement) || (!selection.isCollapsed && part.contains(selection.anchorNode));
  }
  async function refresh(isForced) {
    const number = ++asked;
    clearTimeout(timer);
    try {
      const answer = await fetch(location.pathname + query(), { cache: "no-store" });
      if (!answer.ok) throw new Error(answer.status);
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (number !== asked) return;
      document.title = fresh.title;
      for (const id of ["meta", "live-top", "live-services", "live-changes"]) {
        const [old, next] = [document.getElementById(id), fresh.getElementById(id)];
        if (!isForced && isBusy(old)) continue;
        for (const details of old.querySelectorAll("details[open]")) fresh.getElementById(details.id)?.setAttribute("open", "");
        old.replaceChildren(...next.childNodes);
      }
      document.body.classList.remove("stale");
    } catch {
      if (number === asked) document.body.classList.add("stale");
    }
    if (number === asked) timer = setTimeout(refresh, 5000);
  }
  function change() {
    page = null;
    history.replaceState(null, "", location.pathname + query() + location.hash);
    refresh(true);
  }
  let typing;
  filter.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(change, 150);
  });
  form.elements.problems.addEventListener("change", change);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(typing);
    change();
  });
  addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== filter && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      filter.focus();
      filter.select();
    }
  });
  addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : refresh()));
  timer = setTimeout(refresh, 5000);
})();
