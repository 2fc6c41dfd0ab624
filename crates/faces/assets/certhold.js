// What the pages can do better with a script: keys, copying, whole rows that open, a list of dropped files.
// Everything works without it. No library, no state, nothing loaded.
"use strict";

const typing = (target) => target.closest("input, textarea, select, [contenteditable]") !== null;
const rowLinks = () => [...document.querySelectorAll("[data-rows] tbody tr")].flatMap((row) => row.querySelector("th a") ?? row.querySelector("a") ?? []);

const go = { h: "/", c: "/certificates", m: "/managed", i: "/import", e: "/events" };
let goUntil = 0;

function step(by) {
  const links = rowLinks();
  const here = links.findIndex((link) => link.closest("tr") === document.activeElement?.closest("tr"));
  const next = links[here < 0 ? (by > 0 ? 0 : links.length - 1) : here + by];
  next?.focus();
  next?.closest("tr").scrollIntoView({ block: "nearest" });
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
  if (!row || event.target.closest("a, button, summary, input, label, form, details")) return;
  if (getSelection().toString() !== "") return;
  const link = row.querySelector("a");
  if (!link) return;
  if (event.ctrlKey || event.metaKey) window.open(link.href, "_blank", "noopener");
  else link.click();
});

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
  if (form.method !== "post") return;
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

// An operation or schema that is linked to is shown open.
function openTarget() {
  const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target instanceof HTMLDetailsElement) target.open = true;
}
addEventListener("hashchange", openTarget);
openTarget();
