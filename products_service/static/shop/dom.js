// Elements without markup: what comes from the catalogue becomes text or an attribute, never HTML.

/** Make an element. An attribute of null, undefined or false is left out; so is a child of null. */
export function element(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) node.setAttribute(key, "");
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(key, value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

/** Make a link to a page of the shop; main.js opens those without leaving the document. */
export function pageLink(href, attributes, ...children) {
  return element("a", { href, "data-page": true, ...attributes }, ...children);
}

/** Have a screen reader say a text once it is silent. */
export function announce(text) {
  document.getElementById("announcer").textContent = text;
}
