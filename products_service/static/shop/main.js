// The shop: reads the address, gets the one answer its page is made of, and shows it.

import { listPath, productPath, readAddress } from "./address.js";
import { get, RequestError } from "./api.js";
import { announce, element } from "./dom.js";
import { loadGarments } from "./drawing.js";
import { failurePage } from "./failure.js";
import { listPage } from "./list.js";
import { productPage } from "./product.js";
import { startSearch } from "./search.js";

const main = document.getElementById("main");
const query = document.getElementById("query");
const progress = document.getElementById("progress");
const trace = document.getElementById("trace");

const NOTICEABLE = 500; // milliseconds

let navigation = new AbortController();
let known = ""; // what is in the search box, but for what is typed while a page is on its way
const scrolled = new Map(keptScrolls()); // where each entry of the history was left
// Entries go by the number that their state carries, also after a reload.
let entries = Math.max(-1, ...scrolled.keys());
let entry = history.state ?? entries + 1;
entries = Math.max(entries, entry);
let shown = null; // the entry whose page is there: an earlier one while the next is on its way, none where that failed

/** Get and make the page of the current address. Throws RequestError, or what aborted the signal. */
async function load(signal, cache) {
  const { product, style, list } = readAddress(location.search);
  const path = list ? listPath(list) : productPath(product);
  if (path === null) throw new RequestError("", { status: 404 });
  const { data, links, trace } = await get(path, signal, cache);
  return { ...(list ? listPage(data, list, links) : productPage(data, style)), trace };
}

/**
 * Show the page of the current address, `top` pixels down; `focus` is for all but the first one,
 * `cache` is fetch's.
 */
async function show({ top = 0, focus = true, cache } = {}) {
  const before = document.activeElement;
  navigation.abort();
  navigation = new AbortController();
  const { signal } = navigation;
  progress.hidden = false;
  const slow = setTimeout(() => announce("Loading"), NOTICEABLE);
  let page;
  let arrived = entry;
  try {
    page = await load(signal, cache);
  } catch (error) {
    if (signal.aborted) return;
    // not what the browser may have kept of it
    page = failurePage(asRequestError(error), () => show({ top, cache: "reload" }), signal);
    arrived = null;
  } finally {
    clearTimeout(slow);
    if (!signal.aborted) progress.hidden = true;
  }
  if (signal.aborted) return;
  // Who has gone to the search box meanwhile, say, is not to be taken away from there.
  const active = document.activeElement;
  const isElsewhere = active !== before && !active.contains(main) && !main.contains(active);
  main.replaceChildren(page.node);
  shown = arrived;
  document.title = `${page.title} · Atelier`;
  showTrace(page.trace);
  window.scrollTo({ top, behavior: "instant" });
  const isTyped = query.value !== known;
  if (!isTyped) query.value = known = new URLSearchParams(location.search).get("q") ?? "";
  const isTyping = isTyped && document.activeElement === query;
  if (focus && !isTyping && !isElsewhere) main.querySelector("h1").focus({ preventScroll: true });
  announce(page.said ?? "");
}

/** Return the error itself, or one for a defect of this page, which goes to the console. */
function asRequestError(error) {
  if (error instanceof RequestError) return error;
  reportError(error);
  return new RequestError("This page could not be shown. It needs a browser of 2024 or later; if yours is one, please report it.", { status: 200 });
}

/** Say which request the page was made of. */
function showTrace(request) {
  trace.hidden = request === undefined;
  if (!request) return;
  const { path, status, milliseconds } = request;
  trace.replaceChildren(
    "This page: ",
    element("a", { href: path }, element("code", {}, `GET ${decodeURI(path)}`)),
    ` ${status} in ${Math.round(milliseconds)} ms`,
  );
}

/** Note how the page is left, for another one. */
function leave() {
  if (shown !== null) scrolled.set(shown, window.scrollY);
  known = query.value;
}

/** Return what this tab's last page of the shop kept for its next one, of a reload for example. */
function keptScrolls() {
  try {
    return JSON.parse(sessionStorage.getItem("scrolled")) ?? [];
  } catch {
    return []; // storage may be forbidden
  }
}

function keepScrolls() {
  leave();
  // its number is taken, though its page never came
  if (entry !== null && !scrolled.has(entry)) scrolled.set(entry, 0);
  try {
    sessionStorage.setItem("scrolled", JSON.stringify([...scrolled]));
  } catch {
    // as above, or full: pages then begin at their top
  }
}

/** Go to another page of the shop. */
function open(address) {
  leave();
  if (new URL(address, location.href).href !== location.href) {
    entry = entries += 1;
    history.pushState(entry, "", address);
  }
  show();
}

history.scrollRestoration = "manual"; // pages are made after the browser would restore
history.replaceState(entry, "");
window.addEventListener("popstate", (event) => {
  leave();
  entry = event.state;
  entries = Math.max(entries, entry); // where nothing was kept it may be one that is further on
  show({ top: scrolled.get(entry) ?? 0 });
});
window.addEventListener("pagehide", keepScrolls);
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-page]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  open(link.getAttribute("href"));
});
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // an address of its own would be one step back for nothing
  main.focus();
});
loadGarments().catch(() => {}); // pictures then are plain
startSearch(document.getElementById("search"), open);
main.querySelector(".late")?.remove(); // from here on an answer is what is waited for
show({ top: scrolled.get(entry) ?? 0, focus: false });
