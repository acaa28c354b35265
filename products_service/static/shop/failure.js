// What is shown in place of a page that could not be had, and the way on from there.

import { element, pageLink } from "./dom.js";

/**
 * Return {title, node} for a RequestError. `retry` is called by the button, which waits as long as
 * the service asks for, or as soon as the device is online again; `signal` ends both.
 */
export function failurePage(error, retry, signal) {
  const missing = error.status === 404;
  const title = missing ? "There is no such product" : titleOf(error.status);
  const node = element(
    "div",
    { class: "failure" },
    // apart from the button, whose seconds would have all of it read aloud again each time
    element(
      "div",
      { role: "alert" },
      error.status >= 400 ? element("p", { class: "eyebrow" }, `Error ${error.status}`) : null,
      element("h1", { tabindex: "-1" }, title),
      element("p", {}, missing ? "It may have left the catalogue, or the address has a typing error." : error.message),
    ),
    element(
      "p",
      { class: "actions" },
      isPassing(error.status) ? retryButton(error.retryAfter, retry, signal) : null,
      pageLink("/", { class: "button" }, "All products"),
    ),
    error.requestId ? element("p", { class: "request" }, "Request ", element("code", {}, error.requestId)) : null,
  );
  return { title, node };
}

function titleOf(status) {
  if (status === 0) return "No connection";
  if (status === 400) return "This address is not valid";
  if (status === 429) return "Too many requests";
  return status === 503 || status === 504 ? "The shop is not available right now" : "Something went wrong";
}

/** Whether it may be another time: also of no answer, and of one that something in between has made. */
function isPassing(status) {
  return status < 400 || status === 429 || status >= 500;
}

function retryButton(seconds, retry, signal) {
  const button = element("button", { type: "button", class: "button primary" });
  let left = seconds;
  const count = () => {
    button.disabled = left > 0;
    button.textContent = left > 0 ? `Try again in ${left} s` : "Try again";
    left -= 1;
    if (button.disabled && !signal.aborted) setTimeout(count, 1000);
  };
  count();
  button.addEventListener("click", retry);
  window.addEventListener("online", retry, { signal });
  return button;
}
