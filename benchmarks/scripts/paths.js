// Asks for the paths of a file in turn; writes what came of it as JSON.
//
//   k6 run -e URL=... -e PATHS=FILE -e SUMMARY=FILE -e SECONDS=30 -e RATE=900 paths.js
//   k6 run -e URL=... -e PATHS=FILE -e SUMMARY=FILE -e SECONDS=15 -e USERS=1000 paths.js
//
// With RATE so many begin a second, whatever becomes of those before; with USERS each asks again
// as soon as it is answered.

import http from "k6/http";
import exec from "k6/execution";
import { Counter } from "k6/metrics";
import { SharedArray } from "k6/data";

const { URL: base, PATHS, SUMMARY, SECONDS, RATE, USERS } = __ENV;
const MOST_USERS = 400;
// Less than what k6 gives requests that are under way at the end: one that it cuts off is no failure.
const PATIENCE = "20s";
const WITHOUT_A_HOST = ["HIT", "STALE", "UPDATING"];

const paths = new SharedArray("paths", () => open(PATHS).trim().split("\n"));
const hits = new Counter("cache_hits");
const misses = new Counter("cache_misses");

const constantRate = {
  executor: "constant-arrival-rate",
  rate: Number(RATE),
  timeUnit: "1s",
  duration: `${SECONDS}s`,
  preAllocatedVUs: MOST_USERS,
};
const constantUsers = { executor: "constant-vus", vus: Number(USERS), duration: `${SECONDS}s` };

export const options = {
  scenarios: { paths: RATE ? constantRate : constantUsers },
  discardResponseBodies: true,
  summaryTrendStats: ["avg", "min", "med", "p(75)", "p(90)", "p(95)", "p(99)", "p(99.9)", "max"],
};

export default function () {
  const path = paths[exec.scenario.iterationInTest % paths.length];
  const cache = http.get(base + path, { timeout: PATIENCE, tags: { name: "path" } }).headers["X-Cache"];
  if (cache) (WITHOUT_A_HOST.includes(cache) ? hits : misses).add(1);
}

export function handleSummary(data) {
  return { [SUMMARY]: JSON.stringify(data.metrics) };
}
