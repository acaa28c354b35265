// Products as cards: a picture, a name and a price that lead to the product's page.

import { productAddress } from "./address.js";
import { element, pageLink } from "./dom.js";
import { describeDrawing } from "./drawing.js";
import { formatPrice, isBlank, productName } from "./format.js";
import { picture } from "./picture.js";

/** Make the card of a product of a list, or of a related one, which has a photo and a sale price. */
export function card(product) {
  const sale = product.sale_price ?? null;
  return element(
    "li",
    { class: "card" },
    pageLink(
      productAddress(product.id),
      {},
      picture([product.thumbnail_url], describeDrawing(product)),
      isBlank(product.category) ? null : element("span", { class: "eyebrow" }, product.category),
      element("span", { class: "card-name" }, productName(product)),
      // A sale is of one style, whose own original price a card does not know.
      priceTag(sale === null ? product.default_price : null, sale),
    ),
  );
}

/** Show a price; with a sale price that one, and the original, if it is known, struck through. */
export function priceTag(original, sale = null) {
  if (sale === null) return element("span", { class: "price" }, formatPrice(original));
  return element(
    "span",
    { class: "price on-sale" },
    element("span", { class: "hidden" }, "Sale price "),
    formatPrice(sale),
    ...(original === null ? [] : [" ", element("s", {}, element("span", { class: "hidden" }, "Original price "), formatPrice(original))]),
  );
}
