// Schemas in words: the type on a line, and an object's properties one below the other.

import { element } from "/static/shop/dom.js";
import { folding } from "./folding.js";

/** Return a text in which `code` is marked as such, as nodes. */
export function marked(text) {
  return text.split("`").map((part, index) => (index % 2 ? element("code", {}, part) : part));
}

/** Return a schema's type and limits in words, such as "integer, 1 to 1000". */
export function summarize(description, schema) {
  return [typeOf(description, schema), ...limits(schema)].join(", ");
}

function typeOf(description, schema) {
  if (schema.$ref) return schema.$ref.split("/").at(-1);
  if (schema.oneOf) return [...new Set(schema.oneOf.map((each) => typeOf(description, each)))].join(" or ");
  if (schema.allOf) return typeOf(description, schema.allOf[0]);
  if ("const" in schema) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" or ");
  if (schema.type === "array") return `array of ${summarize(description, schema.items)}`;
  if (schema.additionalProperties) return `object of ${typeOf(description, schema.additionalProperties)}`;
  return [schema.type ?? "anything"].flat().join(" or ");
}

function limits(schema) {
  const found = [];
  if ("minimum" in schema) found.push(range(schema.minimum, schema.maximum));
  if ("minLength" in schema) found.push(`${range(schema.minLength, schema.maxLength)} characters`);
  if ("minItems" in schema) found.push(`${range(schema.minItems, schema.maxItems)} items`);
  if (schema.uniqueItems) found.push("each once");
  if ("default" in schema) found.push(`default ${JSON.stringify(schema.default)}`);
  return found;
}

function range(least, most) {
  return most === undefined ? `${least} or more` : `${least} to ${most}`;
}

/** Return the list of an object's properties as a node, with those of objects in it folded; or none. */
export function propertyList(description, schema) {
  const object = objectOf(description, schema);
  if (!object) return [];
  const required = new Set(object.required);
  const list = element(
    "dl",
    { class: "properties" },
    ...Object.entries(object.properties).flatMap(([name, property]) => [
      element(
        "dt",
        {},
        element("code", {}, name),
        " ",
        element("span", { class: "type" }, summarize(description, property)),
        required.has(name) ? null : element("span", { class: "note" }, " may be missing"),
      ),
      element(
        "dd",
        {},
        ...marked(property.description ?? ""),
        property.pattern ? pattern(property.pattern) : null,
        propertiesOf(description, property),
      ),
    ]),
  );
  return [list];
}

function pattern(source) {
  return element("span", { class: "pattern" }, " Pattern: ", element("code", {}, source));
}

function propertiesOf(description, schema) {
  if (!objectOf(description, schema)) return null;
  return folding([typeOf(description, innermost(schema))], () => propertyList(description, schema));
}

function innermost(schema) {
  const inner = schema.type === "array" ? schema.items : schema.additionalProperties;
  return inner ? innermost(inner) : schema;
}

/** Return the object that a schema is about, be it many of them; undefined where there is none. */
function objectOf(description, schema) {
  const found = description.resolve(innermost(schema));
  if (found.oneOf) return together(found.oneOf.map((each) => objectOf(description, each)));
  const object = found.allOf ? description.resolve(found.allOf[0]) : found;
  return object.properties && object;
}

/** Return several objects as one: what any of them has; required is what all of them require. */
function together(objects) {
  return {
    properties: Object.assign({}, ...objects.map(({ properties }) => properties)),
    required: objects[0].required.filter((name) => objects.every(({ required }) => required.includes(name))),
  };
}
