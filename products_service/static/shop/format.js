// How things read. Prices are decimal text of any length: they are shown and multiplied without a
// floating point number.

/** Whether there is nothing to be seen of a text, or none at all. */
export function isBlank(text) {
  return !text?.trim();
}

/** Return a product's name, or where that is blank, which the catalogue may have, its number. */
export function productName({ id, name }) {
  return isBlank(name) ? `Product ${id}` : name;
}

/** Return a style's name, likewise. */
export function styleName({ style_id, name }) {
  return isBlank(name) ? `Style ${style_id}` : name;
}

/** Whether one price is lower than another. */
export function isLower(price, other) {
  const digits = Math.max(...[price, other].map((each) => (each.split(".")[1] ?? "").length));
  const [one, two] = [price, other].map((each) => {
    const [whole, fraction = ""] = each.split(".");
    return BigInt(whole + fraction.padEnd(digits, "0"));
  });
  return one < two;
}

/** Return "$19,500.90" for "19500.90": thousands grouped, every digit kept, cents of one digit padded. */
export function formatPrice(price) {
  const [whole, fraction] = price.split(".");
  const grouped = whole.replace(/\B(?=(?:\d{3})+$)/g, ",");
  return "$" + grouped + (fraction ? "." + fraction.padEnd(2, "0") : "");
}

/** Return the price of `count` pieces, in the digits of one piece's. */
export function multiplyPrice(price, count) {
  const [whole, fraction = ""] = price.split(".");
  const product = String(BigInt(whole + fraction) * BigInt(count));
  if (!fraction) return product;
  const digits = product.padStart(fraction.length + 1, "0");
  return digits.slice(0, -fraction.length) + "." + digits.slice(-fraction.length);
}
