// The photos of a style: one large, the others as thumbnails to choose from.

import { announce, element } from "./dom.js";
import { describeDrawing } from "./drawing.js";
import { picture } from "./picture.js";

/** Bring an item of a list into view, without the page, which scrollIntoView would move as well. */
function bringIntoView(list, item) {
  const [outer, inner] = [list, item].map((node) => node.getBoundingClientRect());
  list.scrollBy({
    left: Math.min(0, inner.left - outer.left) + Math.max(0, inner.right - outer.right),
    top: Math.min(0, inner.top - outer.top) + Math.max(0, inner.bottom - outer.bottom),
  });
}

/** Make a product's gallery; `show(style)` fills it with a style's photos, from the first on. */
export function createGallery(product) {
  const stage = element("div", { class: "stage" });
  const counter = element("span", { class: "counter", "aria-hidden": "true" });
  const previous = element("button", { type: "button", class: "arrow previous", "aria-label": "Previous photo" });
  const next = element("button", { type: "button", class: "arrow next", "aria-label": "Next photo" });
  const thumbnails = element("div", { class: "thumbnails", role: "radiogroup", "aria-label": "Photos" });
  const node = element(
    "section",
    { class: "gallery", "aria-label": "Gallery" },
    element("div", { class: "stage-frame" }, stage, previous, next, counter),
    element("div", { class: "rail" }, thumbnails),
  );
  let style = null;
  let photos = [];
  let current = 0;

  function showPhoto(place) {
    current = (place + photos.length) % photos.length;
    const photo = photos[current];
    const which = photos.length > 1 ? `, photo ${current + 1} of ${photos.length}` : "";
    const alt = [product.name, style?.name].filter(Boolean).join(", ") + which;
    const drawing = describeDrawing(product, style, current);
    stage.replaceChildren(picture([photo.url, photo.thumbnail_url], drawing, { alt, eager: true }));
    counter.textContent = `${current + 1} / ${photos.length}`;
    const radio = thumbnails.querySelectorAll("input")[current];
    if (radio) {
      radio.checked = true;
      bringIntoView(thumbnails, radio.parentNode);
    }
  }

  function step(by) {
    showPhoto(current + by);
    announce(`Photo ${current + 1} of ${photos.length}`);
  }

  function thumbnail(photo, place) {
    const radio = element("input", {
      type: "radio",
      name: "photo",
      class: "hidden",
      "aria-label": `Photo ${place + 1} of ${photos.length}`,
    });
    radio.addEventListener("change", () => showPhoto(place));
    const drawing = describeDrawing(product, style, place);
    return element("label", { class: "tile" }, radio, picture([photo.thumbnail_url, photo.url], drawing));
  }

  previous.addEventListener("click", () => step(-1));
  next.addEventListener("click", () => step(1));
  node.addEventListener("keydown", (event) => {
    // The thumbnails are radio buttons, which have their arrow keys from the browser.
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const isOurs = event.target.type !== "radio" && !event.altKey && !event.ctrlKey && !event.metaKey;
    if (!by || !isOurs || photos.length < 2) return;
    event.preventDefault();
    step(by);
  });

  return {
    node,
    show(shown) {
      style = shown;
      photos = style?.photos.length ? style.photos : [{ url: null, thumbnail_url: null }];
      const single = photos.length === 1;
      node.classList.toggle("single", single);
      thumbnails.replaceChildren(...(single ? [] : photos.map(thumbnail)));
      thumbnails.hidden = previous.hidden = next.hidden = counter.hidden = single;
      showPhoto(0);
    },
  };
}
