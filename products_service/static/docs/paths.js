// A path of the API: what GET of it takes and answers, a form to try it, and what HEAD and OPTIONS do.

import { element } from "/static/shop/dom.js";
import { answerList } from "./answers.js";
import { folding } from "./folding.js";
import { marked, summarize } from "./schemas.js";
import { trialForm } from "./trial.js";

/** Return the section of a path. */
export function pathSection(description, place) {
  const { path, methods } = place;
  const { get, ...others } = methods;
  const parameters = description.parameters(place, "get");
  return element(
    "section",
    { class: "path", id: get.operationId, "aria-labelledby": `${get.operationId}-name` },
    element("h3", { id: `${get.operationId}-name` }, verb("get"), " ", element("code", {}, path)),
    element("p", { class: "summary" }, get.summary),
    element("p", {}, ...marked(get.description)),
    element("h4", {}, "Parameters"),
    parameterList(description, parameters),
    element("h4", {}, "Answers"),
    answerList(description, get, { open: true }),
    trialForm(path, parameters),
    ...Object.entries(others).map(([method, operation]) => brief(description, path, method, operation)),
  );
}

/** Return the label of a method. */
function verb(method) {
  return element("span", { class: `verb ${method}` }, method.toUpperCase());
}

function parameterList(description, parameters) {
  return element(
    "dl",
    { class: "properties" },
    ...parameters.flatMap((parameter) => [
      element(
        "dt",
        {},
        element("code", {}, parameter.name),
        " ",
        element("span", { class: "type" }, `${summarize(description, parameter.schema)}, in the ${parameter.in}`),
        parameter.required ? element("span", { class: "note" }, " required") : null,
      ),
      element("dd", {}, ...marked(parameter.description)),
    ]),
  );
}

function brief(description, path, method, operation) {
  const summary = [verb(method), " ", element("code", {}, path), " ", operation.summary];
  const fill = () => [
    element("p", {}, ...marked(operation.description)),
    answerList(description, operation, { open: false }),
  ];
  return folding(summary, fill, { class: "brief", id: operation.operationId });
}
