// What the shop's addresses mean: /?product=5&style=12 is a product, every other query a list.

const ID = /^[1-9][0-9]{0,9}$/;
const LIST_PARAMETERS = ["q", "category", "page", "after"];
const LONGEST_CATEGORY = 200; // characters that the API takes
const LIST_COUNT = 24; // fills rows of two, three and four cards

/** Read a page's query: {product, style} with ids as text or null, or {list} with the API's query. */
export function readAddress(search) {
  const given = new URLSearchParams(search);
  if (given.has("product")) {
    return { product: given.get("product"), style: given.get("style") };
  }
  return { list: pick(given) };
}

/** Return the address of a product's page, with a style unless it is null. */
export function productAddress(id, style = null) {
  return "/?" + new URLSearchParams(style === null ? { product: id } : { product: id, style });
}

/** Return the address of a list's page, from the API's query for that list. */
export function listAddress(query) {
  const picked = pick(new URLSearchParams(query));
  if (picked.get("page") === "1") picked.delete("page");
  return picked.size ? "/?" + picked : "/";
}

/** Return the address of a category's list, or null where the API does not take so long a name. */
export function categoryAddress(category) {
  return [...category].length > LONGEST_CATEGORY ? null : listAddress({ category });
}

/** Return the API's path for a whole product page, or null where the id cannot be one. */
export function productPath(id) {
  return ID.test(id) ? `/products/${id}?include=styles,related` : null;
}

/** Return the API's path for a list. */
export function listPath(list, count = LIST_COUNT) {
  return "/products?" + new URLSearchParams([...list, ["count", count]]);
}

function pick(query) {
  // a search for nothing is the whole list
  return new URLSearchParams([...query].filter(([name, value]) => value && LIST_PARAMETERS.includes(name)));
}
