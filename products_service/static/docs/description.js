// The API's description (OpenAPI 3.1) as this page reads it.

export const METHODS = ["get", "head", "options"];

/** Get the description. Throws an Error that says why not. */
export async function getDescription() {
  const response = await fetch("/openapi.json", { headers: { Accept: "application/json" } });
  if (!response.ok) throw new Error(`The service answers ${response.status} for its description.`);
  return new Description(await response.json());
}

export class Description {
  constructor(document) {
    this.document = document;
  }

  /** Return what a reference refers to; anything else is returned as it is. */
  resolve(value) {
    if (value?.$ref === undefined) return value;
    const parts = value.$ref.slice(2).split("/");
    return parts.reduce((found, part) => found[unescape(part)], this.document);
  }

  /** Return the groups of paths: {name, description, paths: [{path, methods, parameters}]}. */
  groups() {
    const paths = Object.entries(this.document.paths).map(([path, { parameters = [], ...methods }]) => ({
      path,
      methods,
      parameters: parameters.map((parameter) => this.resolve(parameter)),
    }));
    return this.document.tags.map((tag) => ({
      ...tag,
      paths: paths.filter(({ methods }) => methods.get.tags.includes(tag.name)),
    }));
  }

  /** Return the parameters of an operation: those of its path first, then its own. */
  parameters({ methods, parameters }, method) {
    const own = (methods[method].parameters ?? []).map((parameter) => this.resolve(parameter));
    const all = [...parameters, ...own];
    const order = ["path", "query", "header"];
    return all.toSorted((one, other) => order.indexOf(one.in) - order.indexOf(other.in));
  }
}

/** Undo the escapes of a JSON pointer. */
function unescape(part) {
  return part.replaceAll("~1", "/").replaceAll("~0", "~");
}
