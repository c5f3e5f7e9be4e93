"use strict";
/* Pages are whole without this: it refreshes them, and knows keys and the pointer. */

// Refresh: the whole page is asked for again, and its <main> put in place of ours.
const age = () => document.getElementById("age");
let refreshing = false;

const isBusy = (main) =>
  main.contains(document.activeElement) && document.activeElement.matches("input, select, textarea, button") ||
  main.querySelector(".menu[open]") ||
  !document.getSelection().isCollapsed && main.contains(document.getSelection().anchorNode);

// What is told apart in the page that comes: an id, or where a link leads.
const nameOf = (element) => element.id ? `#${CSS.escape(element.id)}`
  : element.matches("summary") && element.parentElement.id ? `#${CSS.escape(element.parentElement.id)} > summary`
  : element.matches("a[href]") ? `a[href="${CSS.escape(element.getAttribute("href"))}"]`
  : element.matches(".plot") ? ".plot" : "";

function swap(main, fresh) {
  const focused = main.contains(document.activeElement) && nameOf(document.activeElement);
  for (const open of main.querySelectorAll("details[open][id]"))
    fresh.querySelector(`#${CSS.escape(open.id)}`)?.setAttribute("open", "");
  main.replaceWith(fresh);
  if (focused) fresh.querySelector(focused)?.focus({ preventScroll: true });
}

async function refresh() {
  const main = document.querySelector("main[data-refresh]");
  if (!main || refreshing || document.hidden || isBusy(main)) return;
  refreshing = true;
  const address = location.href;
  try {
    const answer = await fetch(address, { signal: AbortSignal.timeout(30000) });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector("main[data-refresh]");
    if (answer.redirected || [401, 403, 404].includes(answer.status)) return location.reload();
    if (!answer.ok || !fresh) throw new Error(answer.status);
    if (location.href !== address || isBusy(main)) return;
    if (fresh.innerHTML !== main.innerHTML) swap(main, fresh);
    const clock = page.getElementById("age");
    if (clock) age().replaceWith(clock);
  } catch {
    const shown = age();
    if (shown) {
      shown.className = "stale";
      shown.textContent = `The server does not answer: these figures are of ${shown.dataset.clock}.`;
    }
  } finally {
    refreshing = false;
  }
}

const every = Number(document.querySelector("main[data-refresh]")?.dataset.refresh);
if (every) setInterval(refresh, 1000 * every);
document.addEventListener("visibilitychange", refresh);

// Menus: one at a time, shut by a click elsewhere and by Escape.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll(".menu[open]"))
    if (!menu.contains(event.target)) menu.open = false;
});

// Keys: only pressed alone, never while something is written, and to be turned off.
const KEYS_OFF = "page-tracker keys off";
const dialog = document.getElementById("keys");
const switched = document.getElementById("keys-on");
const shower = document.getElementById("show-keys");
if (dialog) {
  switched.checked = !localStorage.getItem(KEYS_OFF);
  switched.addEventListener("change", () =>
    switched.checked ? localStorage.removeItem(KEYS_OFF) : localStorage.setItem(KEYS_OFF, "1"));
  shower.hidden = false;
  shower.addEventListener("click", () => dialog.showModal());
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing || event.repeat) return;
  const menu = document.querySelector(".menu[open]");
  if (event.key === "Escape" && menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
    return;
  }
  if (event.target.closest("input, select, textarea, dialog, [contenteditable]")) return;
  if (!switched?.checked) return;
  if (event.key === "?") return dialog.showModal();
  const isArrow = event.key.startsWith("Arrow");
  if (isArrow && event.target.closest(".plot, .scroll")) return;
  const key = event.key.length === 1 ? event.key.toUpperCase() : event.key;
  const target = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (!target) return;
  event.preventDefault();
  if (target.matches("a")) return target.click();
  const holder = target.closest("details");
  if (holder) holder.open = true;
  target.focus();
});

// The chart: pointer and arrow keys choose a point, whose row in the table is told.
let at = -1;
function point(plot, wanted) {
  const rows = plot.closest("figure").querySelectorAll("tbody tr");
  const last = rows.length - 1;
  at = Math.max(0, Math.min(last, wanted));
  const [label, value, before, other] = [...rows[at].cells].map((cell) => cell.textContent.trim());
  const across = last ? Math.round(1000 * at / last) : 0;
  plot.querySelector(".cursor").setAttribute("d", `M${across},0V240`);
  plot.closest("figure").querySelector(".point").textContent =
    `${label}: ${value}` + (other ? `, before ${before} (${other})` : "");
}
document.addEventListener("pointermove", (event) => {
  const plot = event.target.closest?.(".plot");
  if (!plot) return;
  const box = plot.querySelector("svg").getBoundingClientRect();
  const last = plot.closest("figure").querySelectorAll("tbody tr").length - 1;
  const wanted = Math.round(last * (event.clientX - box.left) / box.width);
  if (wanted !== at) point(plot, wanted);
});
document.addEventListener("keydown", (event) => {
  const plot = event.target.closest?.(".plot");
  if (!plot || event.ctrlKey || event.altKey || event.metaKey) return;
  const steps = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: Infinity };
  if (!(event.key in steps)) return;
  event.preventDefault();
  point(plot, steps[event.key]);
});
