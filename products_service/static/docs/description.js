// The API's description (OpenAPI 3.1) as this page reads it.

export const METHODS = ["get", "head", "options"];

/** The description could not be had; the message says why. */
export class DescriptionError extends Error {}

/** Get the description. Throws DescriptionError. */
export async function getDescription() {
  const fail = (message) => {
    throw new DescriptionError(message);
  };
  const asked = fetch("/openapi.json", { headers: { Accept: "application/json" } });
  const response = await asked.catch(() => fail("The service did not answer. Is this device online?"));
  if (!response.ok) fail(`The service answers ${response.status} for its description.`);
  const document = await response.json().catch(() => fail("The service gave an answer that makes no sense."));
  return new Description(document);
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
