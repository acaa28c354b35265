// Asks for what no cache has, and if PATH is given for that as well, until it is interrupted.
//
//   k6 run -e URL=http://127.0.0.1:8080 -e RATE=100 -e PATH=/products/1 load.js
//
// Each request has a connection of its own and is tried once. Products have the ids 1 to PRODUCTS.

import http from "k6/http";
import exec from "k6/execution";
import { Counter } from "k6/metrics";

const { URL: base, PATH, RATE, PRODUCTS, USERS, TIMEOUT } = __ENV;
const ROUTES = [
  (id) => `/products/${id}?`,
  (id) => `/products/${id}/styles?`,
  (id) => `/products/${id}/related?`,
  (id) => `/products?page=${id}&count=1&`,
];
// Errors that are not what the contract promises: problem JSON, which says when to come back.
const malformed = new Counter("malformed");

const atRate = (rate, exec) => ({
  executor: "constant-arrival-rate",
  exec,
  rate,
  timeUnit: "1s",
  duration: "24h",
  gracefulStop: "0s",
  preAllocatedVUs: Number(USERS),
});

export const options = {
  scenarios: {
    uncached: atRate(Number(RATE), "uncached"),
    ...(PATH ? { cached: atRate(20, "cached") } : {}),
  },
  noConnectionReuse: true,
  discardResponseBodies: true,
  systemTags: ["scenario", "status", "error_code", "name"],
};

function ask(path) {
  const number = exec.scenario.iterationInTest;
  const answer = http.get(base + path, { tags: { name: String(number) }, timeout: TIMEOUT });
  if (answer.status < 400) return;
  const isProblem = answer.headers["Content-Type"] === "application/problem+json";
  const mayReturn = answer.headers["Retry-After"] === "1" || ![429, 503].includes(answer.status);
  if (!isProblem || !mayReturn) malformed.add(1);
}

export function uncached() {
  const number = exec.scenario.iterationInTest;
  const id = 1 + (Math.floor(number / ROUTES.length) % Number(PRODUCTS));
  ask(`${ROUTES[number % ROUTES.length](id)}load=${Date.now()}-${number}`);
}

export function cached() {
  ask(PATH);
}
