// A product's page, made of one answer of GET /products/{id}?include=styles,related.

import { categoryAddress, productAddress, readAddress } from "./address.js";
import { card, priceTag } from "./cards.js";
import { createChoice } from "./choice.js";
import { announce, element, pageLink } from "./dom.js";
import { describeDrawing } from "./drawing.js";
import { formatPrice, isBlank, isLower, productName, styleName } from "./format.js";
import { createGallery } from "./gallery.js";
import { picture } from "./picture.js";

/** Return {title, node} for a product; `styleId` is the one the address asks for, or null. */
export function productPage(answer, styleId) {
  const styles = answer.styles.map((style) => ({ ...style, name: styleName(style) }));
  const product = { ...answer, name: productName(answer), styles };
  const gallery = createGallery(product);
  const price = element("p", { class: "price-line" });
  const chosenStyle = element("span", { class: "chosen" });
  const choice = createChoice();

  function show(style) {
    chosenStyle.textContent = style?.name ?? "";
    const [original, sale] = pricesOf(product, style);
    price.replaceChildren(priceTag(original, sale));
    gallery.show(style);
    choice.show(style);
  }

  function change(style) {
    show(style);
    const [original, sale] = pricesOf(product, style);
    const was = sale === null ? "" : `, was ${formatPrice(original)}`;
    announce(`${style.name}: ${formatPrice(sale ?? original)}${was}`);
    // Not one step back for every style that was looked at. Where the next page is on its way the
    // address is that one's already.
    if (readAddress(location.search).product !== String(product.id)) return;
    try {
      history.replaceState(history.state, "", productAddress(product.id, style.style_id));
    } catch {
      // Safari takes a hundred in some seconds, which a key that is held down makes
    }
  }

  const shown = styleToShow(product.styles, styleId);
  show(shown);
  const node = element(
    "article",
    { class: "product" },
    breadcrumb(product),
    gallery.node,
    element(
      "div",
      { class: "details" },
      isBlank(product.category) ? null : element("p", { class: "eyebrow" }, product.category),
      element("h1", { tabindex: "-1" }, product.name),
      price,
      product.styles.length ? stylePicker(product, shown, chosenStyle, change) : null,
      choice.node,
    ),
    about(product),
    related(product),
  );
  return { title: product.name, node };
}

/** Return the style that was asked for, else the default one, else the first, else null. */
function styleToShow(styles, styleId) {
  return (
    styles.find((style) => String(style.style_id) === styleId) ??
    styles.find((style) => style["default?"]) ??
    styles[0] ??
    null
  );
}

/** Return the original price and that of a sale, or null where there is none, or it is no sale. */
function pricesOf(product, style) {
  if (!style) return [product.default_price, null];
  const { original_price: original, sale_price: sale } = style;
  return sale === null || isLower(sale, original) ? [original, sale] : [sale, null];
}

function breadcrumb(product) {
  const address = isBlank(product.category) ? null : categoryAddress(product.category);
  const category = address ? element("li", {}, pageLink(address, {}, product.category)) : null;
  return element(
    "nav",
    { class: "breadcrumb", "aria-label": "Breadcrumb" },
    element("ol", {}, element("li", {}, pageLink("/", {}, "All products")), category),
  );
}

function stylePicker(product, shown, chosenStyle, change) {
  const tiles = product.styles.map((style) => {
    const radio = element("input", {
      type: "radio",
      name: "style",
      class: "hidden",
      checked: style === shown,
      "aria-label": style.name,
    });
    radio.addEventListener("change", () => change(style));
    const { url, thumbnail_url } = style.photos[0];
    const drawing = describeDrawing(product, style);
    return element("label", { class: "tile", title: style.name }, radio, picture([thumbnail_url, url], drawing));
  });
  return element(
    "fieldset",
    { class: "field" },
    element("legend", {}, "Style ", chosenStyle),
    element("div", { class: "tiles" }, ...tiles),
  );
}

function about(product) {
  const { slogan, description, features } = product;
  if (!slogan && !description && !features.length) return null;
  const rows = features.map(({ feature, value }) =>
    element("div", {}, element("dt", {}, feature), element("dd", {}, value || "✓")),
  );
  return element(
    "section",
    { class: "about", "aria-label": "About this product" },
    element(
      "div",
      {},
      slogan ? element("p", { class: "slogan" }, slogan) : null,
      description ? element("p", { class: "description" }, description) : null,
    ),
    rows.length ? element("dl", { class: "features" }, ...rows) : null,
  );
}

/** Show related products once each, and not the product itself: the API keeps the rows as they are. */
function related(product) {
  const others = new Map(product.related.map((other) => [other.id, other]));
  others.delete(product.id);
  if (!others.size) return null;
  const track = element("ul", { class: "track" }, ...[...others.values()].map(card));
  const buttons = [-1, 1].map((direction) => {
    const button = element("button", {
      type: "button",
      class: direction < 0 ? "arrow previous" : "arrow next",
      "aria-label": direction < 0 ? "Earlier related products" : "Further related products",
    });
    button.addEventListener("click", () => track.scrollBy({ left: direction * track.clientWidth * 0.8 }));
    return button;
  });
  const [back, on] = buttons;
  const update = () => {
    const room = track.scrollWidth - track.clientWidth;
    back.hidden = on.hidden = room <= 1;
    // not disabled, or they would lose the focus at each end
    back.setAttribute("aria-disabled", track.scrollLeft <= 1);
    on.setAttribute("aria-disabled", track.scrollLeft >= room - 1);
  };
  track.addEventListener("scroll", update, { passive: true });
  new ResizeObserver(update).observe(track);
  return element(
    "section",
    { class: "related", "aria-labelledby": "related-title" },
    element("div", { class: "section-head" }, element("h2", { id: "related-title" }, "You may also like"), back, on),
    track,
  );
}
