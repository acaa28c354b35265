// Products as cards: a picture, a name and a price that lead to the product's page.

import { productAddress } from "./address.js";
import { element, pageLink } from "./dom.js";
import { describeDrawing } from "./drawing.js";
import { formatPrice, isBlank, productName } from "./format.js";
import { picture } from "./picture.js";

/** Make the card of a product of a list, or of a related one, which has a photo and the price of a style. */
export function card(product) {
  return element(
    "li",
    { class: "card" },
    pageLink(
      productAddress(product.id),
      {},
      picture([product.thumbnail_url], describeDrawing(product)),
      isBlank(product.category) ? null : element("span", { class: "eyebrow" }, product.category),
      element("span", { class: "card-name" }, productName(product)),
      // Whether a sale price is lower than that of its style the card does not know.
      priceTag(product.sale_price ?? product.default_price),
    ),
  );
}

/** Show a price; with a sale price that one, and the original struck through. */
export function priceTag(original, sale = null) {
  if (sale === null) return element("span", { class: "price" }, formatPrice(original));
  return element(
    "span",
    { class: "price on-sale" },
    element("span", { class: "hidden" }, "Sale price "),
    formatPrice(sale),
    " ",
    element("s", {}, element("span", { class: "hidden" }, "Original price "), formatPrice(original)),
  );
}
