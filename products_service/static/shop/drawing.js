// Drawings that stand in for photos: a garment for the category, in the colours a style's name speaks of.

// The first that matches a product's words is drawn.
const GARMENTS = [
  ["sunglasses", /glasses|lenses|shades/],
  ["boot", /boot/],
  ["heel", /\bheels?\b|pumps?\b|stiletto/],
  ["sneaker", /shoe|sneaker|kick|trainer|sandal|loafer|jordan|air force/],
  ["sock", /sock/],
  ["watch", /watch/],
  ["scarf", /scar[fv]|shawl/],
  ["cap", /\bcaps?\b/],
  ["hat", /\b(hats?|beanies?)\b/],
  ["backpack", /backpack|rucksack/],
  ["bag", /bags?\b|purse|tote|luggage/],
  ["coat", /coat|parka|\bsuits?\b/],
  ["jacket", /jacket|blazer|onesie|\bvest/],
  ["sweater", /sweater|hoodie|jumper|cardigan|pullover/],
  ["skirt", /skirt/],
  ["shorts", /shorts/],
  ["trousers", /pants|trousers|jeans|slacks|joggers|leggings/],
  ["romper", /romper|jumpsuit|overall/],
  ["tank", /\btank/],
  ["dress", /dress|gown/],
  ["shirt", /shirt|tee|tops?\b|blouse|polo/],
];

const COLOURS = {
  black: "#26262a", charcoal: "#41454a", "dark grey": "#4d5156", grey: "#8d9094", gray: "#8d9094",
  silver: "#b4b8bd", white: "#f1eee7", ivory: "#ece3cf", cream: "#eadfc4", écru: "#d9ccb0",
  butter: "#ead28b", beige: "#d3c0a0", sand: "#cdb48c", tan: "#c0986a", camel: "#b98b57",
  khaki: "#98905f", brown: "#74502f", "desert brown": "#8f6a44", cocoa: "#6b4632",
  gold: "#c79a3c", goldenrod: "#cf9f2b", mustard: "#c7982a", yellow: "#e0b83a",
  orange: "#d9762e", "burnt orange": "#b4531f", coral: "#e57b63", salmon: "#e39179", red: "#b3282d",
  maroon: "#6d1f2c", burgundy: "#6d1f2c", pink: "#d98aa2", fuchsia: "#c2408a", magenta: "#b33278",
  orchid: "#b673b3", plum: "#6c3a5c", purple: "#6a4a92", violet: "#7a5bb0", lavender: "#a594c6",
  indigo: "#37407f", navy: "#22325a", blue: "#2f5fa5", azure: "#4c8fce", "sky blue": "#7fb0d6",
  "ocean blue": "#28658f", cyan: "#3fa9bd", turquoise: "#3fa3a0", teal: "#1f7275",
  green: "#3d7a4b", "forest green": "#2b5339", "mint green": "#93c9ad", mint: "#93c9ad",
  olive: "#6d7038", lime: "#a3bd3c", chartreuse: "#b3c53a",
};
// Eight, of which a product gets one by its id.
const PALETTE = ["#2b5339", "#a8503a", "#28658f", "#c79a3c", "#6c3a5c", "#4d5156", "#1f7275", "#8f6a44"];
const NAMED = new RegExp(
  `(?<![\\p{L}])(?:${Object.keys(COLOURS).sort((a, b) => b.length - a.length).join("|")})(?![\\p{L}])`,
  "gu",
);

// What a style's photos show in turn: the whole, parts of it from nearby, and it lying otherwise.
const VIEWS = [
  { box: "0 0 100 100" },
  { box: "20 8 52 65", near: true },
  { box: "-4 -4 108 108", turn: "rotate(-14 50 50)" },
  { box: "30 32 44 55", near: true },
  { box: "0 0 100 100", turn: "matrix(-1 0 0 1 100 0)" },
];

/** Put the garments into the document, where drawings refer to them; none shows before that. */
export async function loadGarments() {
  const answer = await fetch("/static/shop/garments.svg");
  if (!answer.ok) return;
  const file = new DOMParser().parseFromString(await answer.text(), "image/svg+xml");
  file.documentElement.setAttribute("hidden", "");
  document.body.append(file.documentElement);
}

/** What a drawing is of: a product's words choose the garment, a style's name its colours. */
export function describeDrawing(product, style = null, view = 0) {
  return {
    words: [product.category, product.name].map((text) => (text ?? "").toLowerCase()),
    colours: coloursOf(style?.name ?? "", product.id),
    view,
  };
}

/** Draw it, as an image of nothing: whoever shows it names it. */
export function draw({ words, colours: [main, second], view }) {
  const { box, near, turn } = VIEWS[view % VIEWS.length];
  const svg = svgElement("svg", {
    viewBox: box,
    preserveAspectRatio: near ? "xMidYMid slice" : "xMidYMid meet",
    class: near ? "near" : "whole",
    "aria-hidden": "true",
  });
  svg.style.setProperty("--main", main);
  svg.style.setProperty("--second", second);
  svg.style.setProperty("--seam", isDark(main) ? "#ffffff73" : "#00000073");
  const use = svgElement("use", { href: `#${garmentOf(words)}`, width: 100, height: 100 });
  if (turn) use.setAttribute("transform", turn);
  svg.append(use);
  return svg;
}

function svgElement(name, attributes) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
}

function garmentOf(words) {
  for (const text of words) {
    const found = GARMENTS.find(([, pattern]) => pattern.test(text));
    if (found) return found[0];
  }
  return "hanger";
}

/** Return two colours: those the name speaks of, or some that this product always has. */
function coloursOf(name, id) {
  const named = (name.toLowerCase().match(NAMED) ?? []).map((word) => COLOURS[word]);
  const main = named[0] ?? PALETTE[Math.imul(id, 0x9e3779b1) >>> 29];
  const trim = isDark(main) ? "#ffffff" : "#1c1b1a";
  return [main, named[1] ?? `color-mix(in oklab, ${main} 74%, ${trim})`];
}

function isDark(hex) {
  const [red, green, blue] = [1, 3, 5].map((place) => parseInt(hex.slice(place, place + 2), 16));
  return 0.299 * red + 0.587 * green + 0.114 * blue < 110;
}
