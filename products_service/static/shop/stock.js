// What of a style can be had: sizes in the order people expect, with the pieces there are of each.

import { isBlank } from "./format.js";

const LETTERS = ["XXS", "XS", "S", "M", "L", "XL", "XXL", "2XL", "XXXL", "3XL", "4XL", "5XL", "6XL"];

/**
 * Return [{size, quantity}] of a style's skus, none for a style without skus.
 *
 * A size that several skus have stands once, with the pieces of them all. The rows' own order cannot
 * be kept: JavaScript puts the members of an object in the order of their numbers.
 */
export function sizesOf(skus) {
  const quantities = new Map();
  for (const [id, { size, quantity }] of Object.entries(skus)) {
    if (id === "null") continue; // the API's form of a style without skus
    const name = isBlank(size) ? "One size" : size;
    quantities.set(name, (quantities.get(name) ?? 0) + (quantity ?? 0));
  }
  return [...quantities]
    .map(([size, quantity]) => ({ size, quantity }))
    .sort((one, other) => rank(one.size) - rank(other.size));
}

/** Return how the stock of a size reads, of which there are some. */
export function describeStock(quantity) {
  return quantity < 10 ? `Only ${quantity} left` : "In stock";
}

function rank(size) {
  const letter = LETTERS.indexOf(size.toUpperCase());
  if (letter >= 0) return letter;
  const number = Number.parseFloat(size);
  return Number.isNaN(number) ? LETTERS.length : number;
}
