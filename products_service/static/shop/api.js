// The products API as this page needs it: one GET, its JSON, its links, and errors that say what to do.

const PATIENCE = 15_000; // milliseconds

/** A request failed. `status` is 0 where no answer came; `retryAfter` is in seconds. */
export class RequestError extends Error {
  constructor(message, { status = 0, retryAfter = 0, requestId = null } = {}) {
    super(message);
    Object.assign(this, { status, retryAfter, requestId });
  }
}

/**
 * Get a path; `cache` is fetch's. Returns {data, links, trace}: links by their relation, trace for the page's foot.
 * Throws RequestError, or what `signal` was aborted with.
 */
export async function get(path, signal, cache = "default") {
  const started = performance.now();
  // Not inside the try: a browser that lacks one of these is not offline.
  const either = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)]);
  let response;
  let text;
  try {
    response = await fetch(path, { headers: { Accept: "application/json" }, signal: either, cache });
    text = await response.text();
  } catch (error) {
    signal.throwIfAborted();
    const when = error.name === "TimeoutError" ? ` within ${PATIENCE / 1000} s` : "";
    throw new RequestError(`The shop did not answer${when}. Is this device online?`);
  }
  const data = parse(text);
  if (!response.ok || data === undefined) {
    throw new RequestError(messageOf(data), {
      status: response.status,
      retryAfter: readRetryAfter(response.headers.get("Retry-After")),
      requestId: response.headers.get("X-Request-ID"),
    });
  }
  return {
    data,
    links: readLinks(response.headers.get("Link") ?? ""),
    trace: { path, status: response.status, milliseconds: performance.now() - started },
  };
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // a proxy's page, say
  }
}

/** Return what a problem says (RFC 9457), with what it says of each parameter. */
function messageOf(problem) {
  if (!problem?.detail) return "The shop gave an answer that makes no sense.";
  const errors = (problem.errors ?? []).map(({ parameter, detail }) => `${parameter} ${detail}.`);
  return [problem.detail, ...errors].join(" ");
}

/** Return the seconds of a Retry-After, which is a number of them or a date; 0 where there is none. */
function readRetryAfter(value) {
  if (value === null) return 0;
  const seconds = /^\d+$/.test(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1000;
  return Math.max(0, Math.ceil(seconds)) || 0;
}

/** Return the queries that a Link header points at, by relation. */
function readLinks(header) {
  const found = header.matchAll(/<([^>]*)>\s*;\s*rel="?(\w+)"?/g);
  return Object.fromEntries(
    [...found].map(([, target, relation]) => [relation, new URL(target, location.href).search]),
  );
}
