// The search box: suggestions while typing, as an ARIA combobox with a list.

import { listAddress, listPath, productAddress } from "./address.js";
import { get, RequestError } from "./api.js";
import { announce, element } from "./dom.js";
import { formatPrice, productName } from "./format.js";

const PAUSE = 150; // milliseconds between the last key and the request
const LEAST = 2; // letters: shorter ends of words match nothing in the API
const MOST = 6; // suggestions

/** Bring the box to life; `open(address)` goes to a page. */
export function startSearch(form, open) {
  const input = form.querySelector("input");
  const list = form.querySelector("ul");
  let timer;
  let request = new AbortController();
  let active = -1;

  function close() {
    clearTimeout(timer);
    request.abort();
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    activate(-1);
  }

  function activate(place) {
    active = place;
    [...list.children].forEach((option, other) => option.setAttribute("aria-selected", String(other === place)));
    if (place < 0) input.removeAttribute("aria-activedescendant");
    else {
      input.setAttribute("aria-activedescendant", list.children[place].id);
      list.children[place].scrollIntoView({ block: "nearest" });
    }
  }

  function go(address) {
    close();
    open(address);
  }

  function option(product, place) {
    const node = element(
      "li",
      { role: "option", id: `suggestion-${place}`, "aria-selected": "false" },
      element("span", {}, productName(product)),
      element("span", { class: "suggestion-category" }, product.category ?? ""),
      element("span", {}, formatPrice(product.default_price)),
    );
    node.addEventListener("click", () => go(productAddress(product.id)));
    return node;
  }

  async function suggest() {
    const words = input.value.trim();
    request.abort();
    request = new AbortController();
    const { signal } = request;
    try {
      const { data } = await get(listPath([["q", words]], MOST), signal);
      list.replaceChildren(...data.map(option));
      list.hidden = data.length === 0;
      input.setAttribute("aria-expanded", String(data.length > 0));
      activate(-1);
      announce(data.length === 1 ? "1 suggestion" : `${data.length || "No"} suggestions`);
    } catch (error) {
      if (signal.aborted) return;
      // A page says what failed; suggestions are a convenience and go without a word.
      close();
      if (!(error instanceof RequestError)) throw error;
    }
  }

  input.addEventListener("input", () => {
    clearTimeout(timer);
    // What was suggested is for other words: Enter is for these, until an arrow says otherwise.
    request.abort();
    activate(-1);
    if (input.value.trim().length < LEAST) close();
    else timer = setTimeout(suggest, PAUSE);
  });
  input.addEventListener("blur", close);
  // Before the box would lose its focus, which closes the list: to an option, or the scroll bar.
  list.addEventListener("mousedown", (event) => event.preventDefault());
  input.addEventListener("keydown", (event) => {
    const count = list.hidden ? 0 : list.children.length;
    if (event.key === "Escape" && count) {
      event.preventDefault(); // the first one closes the list, the next one empties the box
      close();
    } else if (count && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      // From the box down to the first, up to the last, and past either end to the box again.
      const places = count + 1;
      activate(((active + 1 + (event.key === "ArrowDown" ? 1 : places - 1)) % places) - 1);
    }
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (active >= 0) list.children[active].click();
    else go(listAddress(input.value.trim() ? { q: input.value.trim() } : {}));
  });
}
