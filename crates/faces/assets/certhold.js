// What the pages can do better with a script: keys, copying, whole rows that open, a list of dropped files.
// Everything works without it. No library, no state, nothing loaded.
"use strict";

const typing = (target) => target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]") !== null;
const rowLink = (row) => row.querySelector("[data-row-link]") ?? row.querySelector("th a") ?? row.querySelector("a");
const rowLinks = () => [...document.querySelectorAll("[data-rows] tbody tr")].flatMap((row) => rowLink(row) ?? []);

const go = { h: "/", c: "/certificates", l: "/collections", m: "/managed", i: "/import", k: "/key-requests", e: "/events", r: "/roles", a: "/account" };
let goUntil = 0;

function step(by) {
  const links = rowLinks();
  const here = links.findIndex((link) => link.closest("tr") === document.activeElement?.closest("tr"));
  const next = links[here < 0 ? (by > 0 ? 0 : links.length - 1) : here + by];
  next?.focus();
  next?.closest("tr").scrollIntoView({ block: "nearest" });
}

// Ticked rows: the key x and the mouse tick one, with Shift all from the one before; the head of the table ticks the page.
const ticks = [...document.querySelectorAll("[data-tick]")];
const tickAll = document.querySelector("[data-tick-all]");
let lastTick = -1;

function ticked() {
  const count = ticks.filter((box) => box.checked).length;
  const which = document.getElementById("f-which");
  if (!which) return;
  tickAll.checked = count > 0 && count === ticks.length;
  tickAll.indeterminate = count > 0 && count < ticks.length;
  which.querySelector("[data-ticked]").textContent = count > 0 ? `the ${count.toLocaleString("en")} ticked` : "the ticked ones";
  which.value = "ticked";
  which.form.classList.toggle("active", count > 0);
}

function tick(box, checked, range) {
  const here = ticks.indexOf(box);
  const from = range && lastTick >= 0 ? Math.min(lastTick, here) : here;
  const to = range && lastTick >= 0 ? Math.max(lastTick, here) : here;
  for (const one of ticks.slice(from, to + 1)) one.checked = checked;
  lastTick = here;
  ticked();
}

if (tickAll) {
  tickAll.closest("label").hidden = false;
  tickAll.addEventListener("change", () => {
    for (const box of ticks) box.checked = tickAll.checked;
    ticked();
  });
  for (const box of ticks) {
    // Clicks with Shift mark text as well, unless that is stopped where they begin.
    box.closest("td").addEventListener("mousedown", (event) => event.shiftKey && event.preventDefault());
    box.addEventListener("click", (event) => tick(box, box.checked, event.shiftKey));
  }
  // Coming back, the browser ticks what was ticked.
  addEventListener("pageshow", ticked);
}

function tickHere(range) {
  const box = document.activeElement?.closest("tr")?.querySelector("[data-tick]");
  if (box) tick(box, range || !box.checked, range);
}

const keys = {
  "/": () => {
    const fields = [...document.querySelectorAll("[data-search]")];
    const field = fields.reverse().find((one) => one.checkVisibility());
    field?.focus();
    field?.select();
  },
  "?": () => document.getElementById("keys")?.showModal(),
  j: () => step(1),
  k: () => step(-1),
  n: () => document.querySelector("a[rel=next]")?.click(),
  p: () => document.querySelector("a[rel=prev]")?.click(),
  x: () => tickHere(false),
  X: () => tickHere(true),
  a: () => tickAll?.click(),
  g: () => { goUntil = Date.now() + 1500; },
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (typing(event.target)) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (document.querySelector("dialog[open]")) return;
  if (Date.now() < goUntil && go[event.key]) {
    goUntil = 0;
    location.assign(go[event.key]);
  } else if (keys[event.key]) {
    keys[event.key]();
  } else {
    return;
  }
  event.preventDefault();
});

// A click anywhere in a row opens it, unless it is on something of its own or ends a selection of text.
document.addEventListener("click", (event) => {
  const row = event.target.closest("[data-rows] tbody tr");
  if (!row || event.target.closest("a, button, summary, input, label, form, details, .cell-tick")) return;
  if (getSelection().toString() !== "") return;
  const link = rowLink(row);
  if (!link) return;
  if (event.ctrlKey || event.metaKey) window.open(link.href, "_blank", "noopener");
  else link.click();
});

for (const button of document.querySelectorAll("[data-keys]")) {
  button.hidden = false;
  button.addEventListener("click", () => keys["?"]());
}

for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) break;
  button.hidden = false;
  const label = button.getAttribute("aria-label");
  const use = button.querySelector("use");
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    use.setAttribute("href", "#i-tick");
    button.setAttribute("aria-label", "Copied");
    setTimeout(() => {
      use.setAttribute("href", "#i-copy");
      button.setAttribute("aria-label", label);
    }, 1500);
  });
}

// The second of two impatient clicks sends nothing. Coming back by the back button makes the form usable again.
document.addEventListener("submit", (event) => {
  const form = event.target;
  // What answers with a file leaves the page as it is: the form is used again.
  if (form.method !== "post" || form.hasAttribute("data-again")) return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
});
addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent));

for (const form of document.querySelectorAll("[data-drop]")) {
  const input = form.querySelector("input[type=file]");
  const list = form.querySelector("[data-drop-list]");
  const zone = input.parentElement;
  for (const type of ["dragenter", "dragover"]) zone.addEventListener(type, () => zone.classList.add("over"));
  for (const type of ["dragleave", "drop"]) zone.addEventListener(type, () => zone.classList.remove("over"));
  input.addEventListener("change", () => {
    const files = [...input.files];
    const lines = files.slice(0, 12).map((file) => `${file.name}, ${Math.max(1, Math.round(file.size / 1024)).toLocaleString("en")} KiB`);
    if (files.length > 12) lines.push(`and ${(files.length - 12).toLocaleString("en")} more`);
    list.replaceChildren(...lines.map((line) => Object.assign(document.createElement("li"), { textContent: line })));
  });
}

// Completion of queries: what the server offers for the place of the cursor, in a list below the field. Fields that are searched
// with are completed once their text looks like the beginning of a query.
for (const field of document.querySelectorAll("[data-query]")) {
  const list = Object.assign(document.createElement("ul"), { id: `${field.id || "query"}-offers`, className: "offers", hidden: true });
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "What could stand next");
  field.after(list);
  field.parentElement.classList.add("completed");
  for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-controls", list.id], ["aria-expanded", "false"]]) field.setAttribute(name, value);
  const verdict = field.hasAttribute("data-query-check") && Object.assign(document.createElement("p"), { className: "field-error", hidden: true });
  if (verdict) {
    verdict.setAttribute("role", "status");
    list.after(verdict);
  }
  let chosen = -1;
  let asked = 0;
  let timer = 0;

  const close = () => {
    list.hidden = true;
    chosen = -1;
    field.setAttribute("aria-expanded", "false");
    field.removeAttribute("aria-activedescendant");
  };
  const mark = (place) => {
    const items = [...list.children];
    chosen = (place + items.length) % items.length;
    items.forEach((item, index) => item.setAttribute("aria-selected", String(index === chosen)));
    items[chosen].scrollIntoView({ block: "nearest" });
    field.setAttribute("aria-activedescendant", items[chosen].id);
  };
  const take = (from, text) => {
    const characters = [...field.value];
    const cursor = [...field.value.slice(0, field.selectionStart)].length;
    const before = characters.slice(0, from).join("") + text + " ";
    field.value = before + characters.slice(cursor).join("").trimStart();
    field.setSelectionRange(before.length, before.length);
    close();
    field.focus();
    soon();
  };
  const show = (offers) => {
    list.replaceChildren(...offers.items.map((offer, index) => {
      const item = Object.assign(document.createElement("li"), { id: `${list.id}-${index}` });
      item.setAttribute("role", "option");
      item.append(Object.assign(document.createElement("code"), { textContent: offer.text }), " ", Object.assign(document.createElement("span"), { textContent: offer.detail }));
      item.addEventListener("mousedown", (event) => {
        event.preventDefault();
        take(offers.from, offer.text);
      });
      item.take = () => take(offers.from, offer.text);
      return item;
    }));
    list.hidden = offers.items.length === 0;
    field.setAttribute("aria-expanded", String(!list.hidden));
    chosen = -1;
  };
  const ask = async () => {
    const mine = ++asked;
    const parameters = (extra) => new URLSearchParams({ text: field.value, ...extra });
    const cursor = [...field.value.slice(0, field.selectionStart)].length;
    try {
      // Words to search for need no help; a query shows itself by its first dash, or by asking for help with Ctrl and space.
      if (verdict || /\s-\S*/.test(field.value) || field.dataset.help) {
        const reply = await fetch(`/query/complete?${parameters({ cursor })}`, { headers: { accept: "application/json" } });
        if (reply.ok && mine === asked && document.activeElement === field) show(await reply.json());
      } else close();
      if (verdict) {
        const reply = await fetch(`/query/check?${parameters({})}`, { headers: { accept: "application/json" } });
        if (!reply.ok || mine !== asked) return;
        const { error } = await reply.json();
        verdict.textContent = error ?? "";
        verdict.hidden = !error;
      }
    } catch {
      close();
    }
  };
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(ask, 150);
  };
  field.addEventListener("input", soon);
  field.addEventListener("blur", close);
  field.addEventListener("keydown", (event) => {
    if (event.key === " " && event.ctrlKey) {
      field.dataset.help = "yes";
      soon();
    } else if (list.hidden) {
      return;
    } else if (event.key === "ArrowDown") mark(chosen + 1);
    else if (event.key === "ArrowUp") mark(chosen < 0 ? -1 : chosen - 1);
    else if ((event.key === "Enter" || event.key === "Tab") && chosen >= 0) list.children[chosen].take();
    else if (event.key === "Escape") {
      close();
      event.stopPropagation();
    } else return;
    event.preventDefault();
  });
}

// An operation or schema that is linked to is shown open.
function openTarget() {
  const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target instanceof HTMLDetailsElement) target.open = true;
}
addEventListener("hashchange", openTarget);
openTarget();
