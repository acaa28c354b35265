// The API's description as a page: contents at the side, then every path.

import { element } from "/static/shop/dom.js";
import { answerList } from "./answers.js";
import { DescriptionError, getDescription } from "./description.js";
import { pathSection } from "./paths.js";
import { marked } from "./schemas.js";

const main = document.getElementById("main");
const contents = document.getElementById("contents");

function intro({ info, openapi }) {
  return [
    element("h1", {}, info.title, " ", element("small", {}, `${info.version}, OpenAPI ${openapi}`)),
    ...info.description.trim().split("\n\n").map((text) => element("p", {}, ...marked(text))),
  ];
}

function groupSection(description, { name, description: text, paths }) {
  return element(
    "section",
    { "aria-labelledby": `group-${name}` },
    element("h2", { id: `group-${name}` }, name),
    element("p", {}, ...marked(text)),
    ...paths.map((place) => pathSection(description, place)),
  );
}

function errorSection(description) {
  const { responses } = description.document.components;
  return element(
    "section",
    { "aria-labelledby": "errors" },
    element("h2", { id: "errors" }, "Errors"),
    element("p", {}, "All there are. 403, 421 and 502 are named by no operation: the HTTP parser answers with them, or a balancer in between."),
    answerList(description, { responses }, { open: false }),
  );
}

function contentsOf(groups) {
  const link = (target, text) => element("li", {}, element("a", { href: `#${target}` }, text));
  const listed = groups.map(({ name, paths }) => [
    name,
    paths.map(({ path, methods }) => link(methods.get.operationId, element("code", {}, path))),
  ]);
  return [...listed, ["all", [link("errors", "Errors")]]].flatMap(([name, links]) => [
    element("p", { class: "eyebrow" }, name),
    element("ul", {}, ...links),
  ]);
}

/** Show the place that the address names, unfolded. */
function showPlace() {
  const place = location.hash.length > 1 ? document.getElementById(location.hash.slice(1)) : null;
  if (place?.matches("details")) place.open = true;
  place?.scrollIntoView();
}

try {
  const description = await getDescription();
  const groups = description.groups();
  document.title = description.document.info.title;
  contents.replaceChildren(...contentsOf(groups));
  main.replaceChildren(
    ...intro(description.document),
    ...groups.map((each) => groupSection(description, each)),
    errorSection(description),
  );
  // The browser looked for the address' place before it was there.
  showPlace();
  addEventListener("hashchange", showPlace);
} catch (error) {
  if (!(error instanceof DescriptionError)) reportError(error);
  main.replaceChildren(
    element("h1", {}, "No description"),
    element("p", { role: "alert" }, error.message),
    element("p", {}, element("a", { href: "" }, "Load the page again")),
  );
}
