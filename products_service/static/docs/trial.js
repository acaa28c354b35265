// The form that tries an operation out, and what came back.

import { element } from "/static/shop/dom.js";
import { showJson } from "./json.js";
import { METHODS } from "./description.js";

// What browsers send as they please.
const NOT_OURS = new Set(["Accept-Encoding"]);
const PATIENCE = 15_000; // milliseconds

/** Return the form; `parameters` are those of GET. */
export function trialForm(path, parameters) {
  const inputs = parameters.filter(({ name }) => !NOT_OURS.has(name)).map((each) => [each, input(each)]);
  const method = element(
    "select",
    { name: "method" },
    ...METHODS.map((name) => element("option", {}, name.toUpperCase())),
  );
  // read aloud, which the whole of an answer would take too long for
  const status = element("p", { role: "status" });
  const exchange = element("div");
  let sending = new AbortController();
  const form = element(
    "form",
    { class: "trial", "aria-label": `Try ${path}` },
    element("h4", {}, "Try it"),
    ...inputs.map(([{ name }, node]) => element("label", {}, element("code", {}, name), node)),
    element(
      "p",
      { class: "actions" },
      element("label", {}, element("span", { class: "hidden" }, "Method"), method),
      element("button", { class: "button" }, "Send"),
    ),
    element("div", { class: "outcome" }, status, exchange),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const values = inputs.map(([parameter, node]) => [parameter, node.value]);
    sending.abort();
    sending = new AbortController();
    const { signal } = sending;
    status.replaceChildren("…");
    exchange.replaceChildren();
    let address;
    try {
      address = addressOf(path, values);
    } catch (error) {
      status.replaceChildren(`This cannot be part of an address: ${error.message}`);
      return;
    }
    const { said, shown } = await send(method.value, address, headersOf(values), signal);
    if (signal.aborted) return;
    status.replaceChildren(...said);
    exchange.replaceChildren(...shown);
  });
  return form;
}

/** Return a field for a parameter's value; what is invalid may be sent, to see what comes back. */
function input({ name, required, example }) {
  const value = required ? example : null;
  return element("input", { name, value, autocomplete: "off", spellcheck: "false" });
}

function addressOf(path, values) {
  const filled = values
    .filter(([parameter]) => parameter.in === "path")
    .reduce((found, [{ name }, value]) => found.replace(`{${name}}`, encodeURIComponent(value)), path);
  const query = values
    .filter(([parameter, value]) => parameter.in === "query" && value !== "")
    .map(([{ name }, value]) => `${name}=${encodeURIComponent(value).replaceAll("%2C", ",")}`);
  return query.length ? `${filled}?${query.join("&")}` : filled;
}

function headersOf(values) {
  const given = values.filter(([parameter, value]) => parameter.in === "header" && value !== "");
  return given.map(([{ name }, value]) => [name, value]);
}

/** Send a request and return nodes: `said` is what came of it in a word, `shown` the request and its answer. */
async function send(method, address, headers, ended) {
  const request = element("pre", { tabindex: "0", role: "group", "aria-label": "Request" }, commandOf(method, address, headers));
  const { pathname } = new URL(address, location.origin);
  if (pathname !== address.split("?")[0]) {
    return { said: [`A browser would ask for ${pathname} instead.`], shown: [request] };
  }
  const started = performance.now();
  try {
    // no-store: what is shown is what the service answers, 304 too, and not what the browser kept
    const signal = AbortSignal.any([ended, AbortSignal.timeout(PATIENCE)]);
    const options = { method, headers, cache: "no-store", signal };
    const response = await fetch(address, options);
    const text = await response.text();
    const kind = response.status < 400 ? "success" : "failure";
    const status = element("span", { class: `status ${kind}` }, String(response.status));
    const milliseconds = Math.round(performance.now() - started);
    return { said: [status, ` in ${milliseconds} ms`], shown: [request, ...answer(response, text)] };
  } catch (error) {
    const late = error.name === "TimeoutError";
    return { said: [late ? `No answer within ${PATIENCE / 1000} s.` : `No answer: ${error.message}`], shown: [request] };
  }
}

function answer(response, text) {
  const headers = [...response.headers].map(([name, value]) => `${name}: ${value}\n`);
  const isJson = /[/+]json/.test(response.headers.get("Content-Type") ?? "");
  return [
    element("pre", { tabindex: "0", role: "group", "aria-label": "Headers" }, ...headers),
    text ? element("pre", { tabindex: "0", role: "group", "aria-label": "Body", class: "body" }, ...(isJson ? showJson(text) : [text])) : null,
  ].filter((node) => node !== null);
}

/** Return the request as a command for a shell. */
function commandOf(method, address, headers) {
  const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  // compressed as browsers have it, or a tag that they were shown names another form
  const how = { GET: "-i", HEAD: "-I", OPTIONS: "-i -X OPTIONS" }[method];
  const given = headers.map(([name, value]) => ` -H ${quote(`${name}: ${value}`)}`).join("");
  return `curl --compressed ${how}${given} ${quote(location.origin + address)}`;
}
