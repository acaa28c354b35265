// What both Node peers share: the statements of the service, the headers and the log line of its answers.

import { hash, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";

const ofProduct = (request) => [Number(request.params.id)];
const ofPage = (request) => [Number(request.query.page ?? 1), Number(request.query.count ?? 5)];

// Each route: its path, the file of products_service/sql that answers it, and what that is given.
export const ROUTES = [
  { path: "/products/:id", name: "get_product", values: ofProduct },
  { path: "/products/:id/styles", name: "get_styles", values: ofProduct },
  { path: "/products/:id/related", name: "get_related", values: ofProduct },
  { path: "/products", name: "list_products", values: ofPage },
];

export function readStatement(folder, name) {
  return readFileSync(`${folder}/${name}.sql`, "utf8");
}

export function headersOf(answer, url) {
  const tag = hash("sha1", `${answer.digest} ${url}`, "hex").slice(0, 24);
  const headers = {
    etag: `"${answer.number}-${tag}"`,
    "cache-control": "public, max-age=30, stale-while-revalidate=10, stale-if-error=600",
    vary: "Accept-Encoding",
    "x-content-type-options": "nosniff",
    "access-control-allow-origin": "*",
    "access-control-expose-headers": "ETag, Link, Retry-After, X-Request-ID",
    "x-request-id": randomUUID().replaceAll("-", ""),
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  };
  if ("next" in answer) headers.link = linksOf(answer);
  return headers;
}

function linksOf(answer) {
  return Object.entries({ first: 1, prev: answer.previous, next: answer.next })
    .filter(([, page]) => page !== null)
    .map(([relation, page]) => `</products?page=${page}>; rel="${relation}"`)
    .join(", ");
}

export function logLine(method, url, route, status, bytes, started, statementMs, requestId) {
  return `${JSON.stringify({
    timestamp: new Date().toISOString(),
    level: "info",
    event: "request",
    request_id: requestId,
    method,
    path: url,
    route,
    status,
    bytes,
    duration_ms: Number((performance.now() - started).toFixed(3)),
    statement_ms: Number(statementMs.toFixed(3)),
  })}\n`;
}
