// What is folded away is made when it is first unfolded: most of it nobody reads.

import { element } from "/static/shop/dom.js";

/** Return a folded element; `fill` returns the nodes in it. */
export function folding(summary, fill, { open = false, ...attributes } = {}) {
  const node = element("details", { ...attributes, open }, element("summary", {}, ...summary));
  if (open) node.append(...fill());
  else node.addEventListener("toggle", () => node.append(...fill()), { once: true });
  return node;
}
