// JSON to read, from its text: parsed and written again, the keys that are numbers would change places.

import { element } from "/static/shop/dom.js";

const TOKENS = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;
const STEP = "  ";

/** Return nodes that show a JSON text indented and in colours. */
export function showJson(text) {
  const nodes = [];
  const tokens = text.match(TOKENS) ?? [];
  let depth = 0;
  const newLine = () => `\n${STEP.repeat(depth)}`;
  tokens.forEach((token, index) => {
    const empty = index > 0 && /^[[{]$/.test(tokens[index - 1]);
    if (token === "{" || token === "[") {
      depth += 1;
      nodes.push(token, /^[\]}]$/.test(tokens[index + 1]) ? "" : newLine());
    } else if (token === "}" || token === "]") {
      depth -= 1;
      nodes.push(empty ? "" : newLine(), token);
    } else if (token === ",") nodes.push(token, newLine());
    else if (token === ":") nodes.push(": ");
    else nodes.push(element("span", { class: kindOf(token, tokens[index + 1]) }, token));
  });
  return nodes;
}

function kindOf(token, next) {
  if (!token.startsWith('"')) return "literal";
  return next === ":" ? "key" : "string";
}
