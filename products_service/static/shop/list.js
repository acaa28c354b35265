// Lists of products: the whole catalogue, a category or what a search found, a page at a time.

import { categoryAddress, listAddress } from "./address.js";
import { card } from "./cards.js";
import { element, pageLink } from "./dom.js";
import { isBlank } from "./format.js";

/** Return {title, node, said} for an answer of GET /products; `list` is its query, `links` its Link header. */
export function listPage(products, list, links) {
  const page = list.has("page") ? `Page ${list.get("page")}` : null;
  const title = titleOf(list);
  const isPart = list.size > 0;
  const node = element(
    "div",
    { class: "list" },
    isPart ? element("nav", { class: "breadcrumb", "aria-label": "Breadcrumb" }, pageLink("/", {}, "All products")) : null,
    element("h1", { tabindex: "-1" }, title, " ", page ? element("small", {}, page) : null),
    isPart ? null : introduction(),
    list.has("category") ? null : categories(products),
    products.length ? element("ul", { class: "grid" }, ...products.map(card)) : nothing(list),
    pager(links),
  );
  return { title: page ? `${title}, ${page.toLowerCase()}` : title, node, said: describeCount(products.length) };
}

/** Say how many products a page has; there is no count of all. */
function describeCount(count) {
  if (count === 0) return "No products";
  return count === 1 ? "1 product on this page" : `${count} products on this page`;
}

function titleOf(list) {
  if (list.has("q")) return `Results for “${list.get("q")}”`;
  return list.get("category") ?? "The catalogue";
}

function introduction() {
  const text = "Everything the products API serves, as a shop would show it. Search, open a product, change its style.";
  return element("p", { class: "introduction" }, text);
}

function categories(products) {
  const named = products.map((product) => product.category).filter((category) => !isBlank(category));
  const names = [...new Set(named)].sort();
  const listed = names.filter((category) => categoryAddress(category) !== null);
  if (listed.length < 2) return null;
  const links = listed.map((category) =>
    element("li", {}, pageLink(categoryAddress(category), { class: "chip" }, category)),
  );
  return element("nav", { "aria-label": "Categories" }, element("ul", { class: "chips" }, ...links));
}

function nothing(list) {
  if (list.has("page")) return element("p", { class: "nothing" }, "Nothing here: the list has ended.");
  if (list.has("q")) return element("p", { class: "nothing" }, "Nothing found. Try other words, or browse all products.");
  if (list.size) return element("p", { class: "nothing" }, "Nothing here. Browse all products instead.");
  return element(
    "p",
    { class: "nothing" },
    "The catalogue is empty. Load one with ",
    element("code", {}, "flask etl load"),
    ".",
  );
}

function pager(links) {
  const labels = { first: "First page", prev: "Previous", next: "Next" };
  const shown = Object.entries(labels).filter(
    // A first page that is this one, or the one before it, is no news.
    ([relation]) => relation in links && !(relation === "first" && (!links.prev || links.prev === links.first)),
  );
  if (!shown.length) return null;
  const anchors = shown.map(([relation, label]) =>
    pageLink(listAddress(links[relation]), { class: "button", rel: relation }, label),
  );
  return element("nav", { class: "pager", "aria-label": "Pages" }, ...anchors);
}
