// Fastify and pg at their best: named prepared statements, the JSON text passed through as it came,
// log lines written in larger pieces. Each worker process is one of a cluster.
//
//   node server.js PORT SQL_FOLDER WORKERS CONNECTIONS     (the database as libpq's variables name it)

import cluster from "node:cluster";
import Fastify from "fastify";
import pg from "pg";
import SonicBoom from "sonic-boom";
import { ROUTES, headersOf, logLine, readStatement } from "../statements.mjs";

const [port, folder, workers, connections] = process.argv.slice(2);

if (cluster.isPrimary) {
  for (let i = 0; i < Number(workers); i += 1) cluster.fork();
} else {
  // One plan for all values of a statement, as the service has it.
  const options = "-c plan_cache_mode=force_generic_plan";
  // Connections are kept, as this service keeps its own: between turns pg would close them.
  const pool = new pg.Pool({ max: Number(connections), options, idleTimeoutMillis: 0 });
  const log = new SonicBoom({ fd: 1, minLength: 4096, sync: false });
  const app = Fastify({ logger: false });

  for (const { path, name, values } of ROUTES) {
    const text = readStatement(folder, name);
    app.get(path, async (request, reply) => {
      const started = performance.now();
      const { rows } = await pool.query({ name, text, values: values(request) });
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
