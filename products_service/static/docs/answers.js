// What an operation answers: each status folded, with its headers, its schema and examples.

import { element } from "/static/shop/dom.js";
import { folding } from "./folding.js";
import { showJson } from "./json.js";
import { marked, propertyList, summarize } from "./schemas.js";

/** Return the list of an operation's answers; the first one is `open`. */
export function answerList(description, operation, { open }) {
  const answers = Object.entries(operation.responses).map(([status, response], index) =>
    answer(description, status, description.resolve(response), open && index === 0),
  );
  return element("div", { class: "answers" }, ...answers);
}

function answer(description, status, response, open) {
  const kind = status < "400" ? "success" : "failure";
  const label = element("span", { class: `status ${kind}` }, status);
  const fill = () => [
    headerList(description, response.headers ?? {}),
    ...Object.entries(response.content ?? {}).flatMap(([type, media]) => content(description, type, media)),
  ];
  return folding([label, " ", ...marked(response.description)], fill, { open });
}

function headerList(description, headers) {
  const fill = () => {
    const items = Object.entries(headers).map(([name, reference]) => {
      const header = description.resolve(reference);
      return element("li", {}, element("code", {}, name), " ", ...marked(header.description));
    });
    return [element("ul", {}, ...items)];
  };
  return folding(["Headers"], fill);
}

function content(description, type, { schema, example, examples }) {
  const shown = examples ?? (example === undefined ? {} : { example: { value: example } });
  return [
    element("p", { class: "type" }, `${type}: ${summarize(description, schema)}`),
    ...propertyList(description, schema),
    ...Object.entries(shown).map(([name, { summary, value }]) =>
      element(
        "figure",
        {},
        element("figcaption", {}, summary ?? name),
        element(
          "pre",
          { tabindex: "0", role: "group", "aria-label": summary ?? name },
          ...(typeof value === "string" ? [value] : showJson(JSON.stringify(value))),
        ),
      ),
    ),
  ];
}
