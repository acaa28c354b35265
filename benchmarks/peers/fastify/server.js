// Fastify and pg at their best: named prepared statements, the JSON text passed through as it came,
// log lines written in larger pieces. Each worker process is one of a cluster. A pool sends a
// statement on a connection that has answered the last one; "pipelined" connections do not wait for that.
//
//   node server.js PORT SQL_FOLDER WORKERS CONNECTIONS [pipelined]
//
// The database is as libpq's variables name it.

import cluster from "node:cluster";
import Fastify from "fastify";
import pg from "pg";
import SonicBoom from "sonic-boom";
import { ROUTES, headersOf, logLine, readStatement } from "../statements.mjs";

const [port, folder, workers, connections, how] = process.argv.slice(2);
// One plan for all values of a statement, which is not compiled, as the service has it.
const options = "-c plan_cache_mode=force_generic_plan -c jit=off";

/** Return what sends statements on each of the connections in turn. */
async function pipelined() {
  const clients = Array.from({ length: Number(connections) }, () => new pg.Client({ options, pipeline: true }));
  for (const client of clients) {
    await client.connect();
    for (const { name } of ROUTES) {
      // two that come first at the same time would both prepare it
      const values = name === "list_products" ? [1, 5] : [1];
      await client.query({ name, text: readStatement(folder, name), values });
    }
  }
  let turn = 0;
  return { query: (statement) => clients[(turn += 1) % clients.length].query(statement) };
}

if (cluster.isPrimary) {
  for (let i = 0; i < Number(workers); i += 1) cluster.fork();
} else {
  const database =
    how === "pipelined"
      ? await pipelined()
      : // Connections are kept, as this service keeps its own: between turns pg would close them.
        new pg.Pool({ max: Number(connections), options, idleTimeoutMillis: 0 });
  const log = new SonicBoom({ fd: 1, minLength: 4096, sync: false });
  const app = Fastify({ logger: false });

  for (const { path, name, values } of ROUTES) {
    const text = readStatement(folder, name);
    app.get(path, async (request, reply) => {
      const started = performance.now();
      const { rows } = await database.query({ name, text, values: values(request) });
      const statementMs = performance.now() - started;
      const [answer] = rows;
      const headers = headersOf(answer, request.url);
      if (answer.body === null) reply.code(404);
      const body = answer.body ?? '{"status":404}';
      log.write(
        logLine(request.method, request.url, path, reply.statusCode,
          Buffer.byteLength(body), started, statementMs, headers["x-request-id"]),
      );
      reply.headers(headers).type("application/json");
      return body;
    });
  }

  await app.listen({ port: Number(port), host: "127.0.0.1" });
}
