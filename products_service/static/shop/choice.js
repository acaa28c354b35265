// Size and quantity of the style that is shown, and what the choice comes to.

import { element } from "./dom.js";
import { formatPrice, multiplyPrice } from "./format.js";
import { describeStock, sizesOf } from "./stock.js";

const MOST = 15; // pieces of a size to choose at once

/** Make the fields; `show(style)` offers the style's sizes and keeps the size where it has it. */
export function createChoice() {
  const sizes = element("div", { class: "sizes" });
  const sizeField = element("fieldset", { class: "field" }, element("legend", {}, "Size"), sizes);
  const quantity = element("select", { id: "quantity" });
  const outcome = element("output", { class: "outcome", for: "quantity" });
  const node = element(
    "div",
    {},
    sizeField,
    element("div", { class: "field" }, element("label", { for: "quantity" }, "Quantity"), quantity),
    outcome,
  );
  let style = null;
  let offered = [];
  let chosen = null;

  function choose(size) {
    chosen = size;
    const most = Math.min(chosen?.quantity ?? 0, MOST);
    const wanted = Number(quantity.value);
    const options = Array.from({ length: most }, (_, place) =>
      element("option", { selected: place + 1 === wanted }, place + 1),
    );
    quantity.replaceChildren(...(most ? options : [element("option", {}, "–")]));
    quantity.disabled = most === 0;
    describe();
  }

  function describe() {
    const available = offered.some((size) => size.quantity > 0);
    outcome.classList.toggle("is-out", !available);
    if (!available) {
      outcome.textContent = style ? "Out of stock in this style" : "Not available at the moment";
    } else if (chosen === null) {
      outcome.textContent = "Choose a size";
    } else {
      const total = multiplyPrice(style.sale_price ?? style.original_price, quantity.value);
      outcome.replaceChildren(
        element("span", { class: "stock" }, describeStock(chosen.quantity)),
        // names of other scripts have a direction of their own, which is not the price's
        ` ${quantity.value} × `,
        element("bdi", {}, chosen.size),
        " in ",
        element("bdi", {}, style.name),
        ": ",
        element("strong", {}, formatPrice(total)),
      );
    }
  }

  function option(size) {
    const out = size.quantity === 0;
    const radio = element("input", {
      type: "radio",
      name: "size",
      class: "hidden",
      checked: size === chosen,
      disabled: out,
    });
    radio.addEventListener("change", () => choose(size));
    const note = out ? element("span", { class: "hidden" }, " (out of stock)") : null;
    return element("label", { class: "size" }, radio, element("span", {}, size.size, note));
  }

  quantity.addEventListener("change", describe);

  return {
    node,
    show(shown) {
      style = shown;
      offered = style ? sizesOf(style.skus) : [];
      const inStock = offered.filter((size) => size.quantity > 0);
      const same = inStock.find((size) => size.size === chosen?.size);
      choose(same ?? (offered.length === 1 ? (inStock[0] ?? null) : null));
      sizeField.hidden = offered.length === 0;
      sizes.replaceChildren(...offered.map(option));
    },
  };
}
