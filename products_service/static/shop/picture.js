// A photo, or the drawing that stands in for it until it has arrived and when it never does.

import { element } from "./dom.js";
import { draw } from "./drawing.js";

/**
 * Make a picture of the first url that leads to one. `alt` is empty where a text beside it says the
 * same; `eager` is for a picture that is seen at once.
 */
export function picture(urls, drawing, { alt = "", eager = false } = {}) {
  const sketch = draw(drawing);
  const frame = element("span", { class: "picture" }, sketch);
  frame.style.setProperty("--tint", drawing.colours[0]);
  const usable = [...new Set(urls.filter(isUsable))];
  const photo = element("img", { alt, loading: eager ? "eager" : "lazy", decoding: "async" });
  const tryNext = () => {
    if (usable.length) {
      photo.src = usable.shift();
    } else {
      photo.remove();
      nameDrawing(sketch, alt);
    }
  };
  photo.addEventListener("load", () => frame.classList.add("has-photo"));
  photo.addEventListener("error", tryNext);
  frame.append(photo);
  tryNext();
  return frame;
}

/** Whether the page may load it: the rest (null, typing errors, other schemes) is not even asked for. */
function isUsable(url) {
  if (!url || !URL.canParse(url)) return false;
  const { protocol, origin } = new URL(url);
  return protocol === "https:" || origin === location.origin;
}

function nameDrawing(sketch, alt) {
  if (!alt) return;
  sketch.removeAttribute("aria-hidden");
  sketch.setAttribute("role", "img");
  sketch.setAttribute("aria-label", `${alt} (drawing)`);
}
