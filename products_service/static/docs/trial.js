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
  const outcome = element("div", { class: "outcome", role: "status" });
  const form = element(
    "form",
    { class: "trial" },
    element("h4", {}, "Try it"),
    ...inputs.map(([{ name }, node]) => element("label", {}, element("code", {}, name), node)),
    element(
      "p",
      { class: "actions" },
      element("label", {}, element("span", { class: "hidden" }, "Method"), method),
      element("button", { class: "button" }, "Send"),
    ),
    outcome,
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const values = inputs.map(([parameter, node]) => [parameter, node.value]);
    outcome.replaceChildren("…");
    outcome.replaceChildren(...(await send(method.value, addressOf(path, values), headersOf(values))));
  });
  return form;
}

/** Return a field for a parameter's value; what is invalid may be sent, to see what comes back. */
function input({ name, schema, required, example }) {
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

/** Send a request and return nodes that show it and its answer. */
async function send(method, address, headers) {
  const request = element("pre", { tabindex: "0" }, commandOf(method, address, headers));
  const started = performance.now();
  try {
    // no-store: what is shown is what the service answers, 304 too, and not what the browser kept
    const options = { method, headers, cache: "no-store", signal: AbortSignal.timeout(PATIENCE) };
    const response = await fetch(address, options);
    const text = await response.text();
    return [request, ...answer(response, text, performance.now() - started)];
  } catch (error) {
    return [request, element("p", {}, `There is no answer: ${error.message}`)];
  }
}

function answer(response, text, milliseconds) {
  const headers = [...response.headers].map(([name, value]) => `${name}: ${value}\n`);
  const isJson = /[/+]json/.test(response.headers.get("Content-Type") ?? "");
  return [
    element(
      "p",
      {},
      element("span", { class: `status ${response.status < 400 ? "success" : "failure"}` }, String(response.status)),
      ` in ${Math.round(milliseconds)} ms`,
    ),
    element("pre", { tabindex: "0" }, ...headers),
    text ? element("pre", { tabindex: "0", class: "body" }, ...(isJson ? showJson(text) : [text])) : null,
  ].filter((node) => node !== null);
}

/** Return the request as a command for a shell. */
function commandOf(method, address, headers) {
  const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const how = { GET: "curl -i", HEAD: "curl -I", OPTIONS: "curl -i -X OPTIONS" }[method];
  const given = headers.map(([name, value]) => ` -H ${quote(`${name}: ${value}`)}`).join("");
  return `${how}${given} ${quote(location.origin + address)}`;
}
