// The pages work without this script. With it they follow what happens, stay where they are, and cards can be dragged.
(() => {
  "use strict";
  const POLL_MS = 1500;
  const LOST = "The sandbox does not answer. Is it still running?";
  const page = document.documentElement;
  const notice = document.getElementById("notice");
  let version = document.body.dataset.version;
  let isWaiting = false;
  let quietUntil = 0;
  page.classList.add("js");

  const isText = (element) => element && element.matches("input:not([type=checkbox]), select, textarea");
  const isDirty = (part) =>
    part.querySelector("form[data-dirty]") || (part.contains(document.activeElement) && isText(document.activeElement));
  const withoutTimes = (part) => {
    const copy = part.cloneNode(true);
    copy.classList.remove("over");
    copy.querySelectorAll("time").forEach((time) => time.replaceChildren());
    copy.querySelectorAll("[draggable]").forEach((card) => card.removeAttribute("draggable"));
    copy.querySelectorAll(".fresh").forEach((item) => item.classList.remove("fresh"));
    copy.querySelectorAll("details").forEach((fold) => fold.removeAttribute("open"));
    return copy.outerHTML.replaceAll(' class=""', "");
  };

  function say(words, stay_ms = 0) {
    if (!stay_ms && Date.now() < quietUntil) return;
    quietUntil = Date.now() + stay_ms;
    if (notice.textContent !== words) notice.textContent = words;
    notice.hidden = !words;
  }

  // Puts the new state of one part in place, and marks what was not there before.
  function swap(old, fresh) {
    const known = new Set([...old.querySelectorAll("[data-fresh]")].map((item) => item.id));
    const unfolded = [...old.querySelectorAll("details")].map((fold) => fold.open);
    const scrolled = [...old.querySelectorAll(".wide")].map((table) => table.scrollLeft);
    fresh.querySelectorAll("[data-fresh]").forEach((item) => known.has(item.id) || item.classList.add("fresh"));
    const reach = "a, button, input, select, textarea, summary";
    const focus = document.activeElement;
    const place = [...old.querySelectorAll(reach)].indexOf(focus);
    old.replaceWith(fresh);
    const successor = (focus?.id && document.getElementById(focus.id)) || fresh.querySelectorAll(reach)[place];
    if (place >= 0) successor?.focus({ preventScroll: true });
    const folds = fresh.querySelectorAll("details");
    if (folds.length === unfolded.length) folds.forEach((fold, place) => (fold.open = fold.open || unfolded[place]));
    fresh.querySelectorAll(".wide").forEach((table, place) => (table.scrollLeft = scrolled[place] || 0));
  }

  async function refresh(sent = null) {
    const answer = await fetch(location.href, { headers: { "X-Sandbox-Live": "1" } });
    const text = await answer.text();
    const next = new DOMParser().parseFromString(text, "text/html");
    isWaiting = false;
    for (const old of document.querySelectorAll("[data-live]")) {
      const fresh = next.getElementById(old.id);
      if (!fresh || withoutTimes(old) === withoutTimes(fresh)) continue;
      if (old !== sent && isDirty(old)) isWaiting = true;
      else swap(old, document.adoptNode(fresh));
    }
    version = next.body.dataset.version;
    say(isWaiting ? "Something changed here; it is shown when you are done." : "");
    prepareCards();
  }

  function retime(now) {
    for (const time of document.querySelectorAll("time")) {
      const seconds = (now - Date.parse(time.dateTime)) / 1000;
      const steps = [[45, 0, ""], [3600, 60, "min"], [86400, 3600, "h"], [604800, 86400, "d"]];
      const step = steps.find(([limit]) => seconds < limit);
      if (!step) continue;
      const words = step[1] ? `${Math.max(1, Math.round(seconds / step[1]))} ${step[2]} ago` : "just now";
      if (time.textContent !== words) time.textContent = words;
    }
  }

  async function look() {
    try {
      if (!document.hidden) {
        const told = await (await fetch("/-/version")).json();
        if (told.version !== version) await refresh();
        else if (!isWaiting) say("");
        retime(told.now_ms);
      }
    } catch {
      say(LOST);
    }
    setTimeout(look, POLL_MS);
  }

  // Sends a form without leaving the page, so that nobody loses the place where they were.
  async function send(form, button) {
    const zone = form.closest("[data-live]");
    const fields = new FormData(form);
    if (button?.name) fields.set(button.name, button.value);
    form.removeAttribute("data-dirty");
    form.closest(".picker")?.removeAttribute("open");
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(fields) });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    await refresh(zone);
    const told = page.querySelector(".flash span") || (answer.ok ? null : page.querySelector(".lead"));
    if (told) say(told.textContent, 6000);
  }

  function prepareCards() {
    document.querySelectorAll("[data-card]").forEach((card) => (card.draggable = true));
  }

  document.addEventListener("input", (event) => {
    const form = event.target.closest("form");
    if (form) form.setAttribute("data-dirty", "");
  });
  document.addEventListener("focusout", () => isWaiting && setTimeout(() => refresh().catch(() => {}), 200));
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-quiet]")) return;
    event.preventDefault();
    send(event.target, event.submitter).catch(() => say(LOST));
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.matches("textarea")) event.target.form.requestSubmit();
    if (event.key === "Escape") document.querySelectorAll(".who[open], .picker[open]").forEach((fold) => (fold.open = false));
  });
  document.addEventListener("click", (event) => {
    document.querySelectorAll(".who[open], .picker[open]").forEach((fold) => fold.contains(event.target) || (fold.open = false));
  });
  document.addEventListener("toggle", (event) => {
    // A person who goes through the list of people by keyboard begins with the first.
    if (event.target.id === "who" && event.target.open) event.target.querySelector("button")?.focus();
  }, true);

  document.addEventListener("dragstart", (event) => {
    const card = event.target.closest?.("[data-card]");
    if (!card) return;
    card.classList.add("moving");
    event.dataTransfer.setData("text/plain", card.id);
    event.dataTransfer.effectAllowed = "move";
  });
  document.addEventListener("dragend", (event) => event.target.classList?.remove("moving"));
  const columnFor = (event) => {
    const column = event.target.closest?.("[data-column]");
    const moving = document.querySelector(".moving");
    return column && moving && moving.closest("[data-column]").dataset.scope === column.dataset.scope ? column : null;
  };
  document.addEventListener("dragover", (event) => {
    const column = columnFor(event);
    document.querySelectorAll(".over").forEach((other) => other === column || other.classList.remove("over"));
    if (!column) return;
    event.preventDefault();
    column.classList.add("over");
  });
  document.addEventListener("drop", (event) => {
    const column = columnFor(event);
    if (!column) return;
    event.preventDefault();
    column.classList.remove("over");
    const form = document.querySelector(".moving form");
    form.elements.to.value = column.dataset.column;
    send(form).catch(() => say(LOST));
  });

  prepareCards();
  setTimeout(look, POLL_MS);
})();
