// Express and pg as this field writes them: a parameterised query, parsed rows, res.json, a pool.
// The statements are the service's own; each worker process is one of a cluster. "prepared" has them
// named, so that PostgreSQL plans them once a connection, which the field does not do.
//
//   node server.js PORT SQL_FOLDER WORKERS CONNECTIONS [prepared]
//
// The database is as libpq's variables name it.

import cluster from "node:cluster";
import express from "express";
import pg from "pg";
import { ROUTES, headersOf, logLine, readStatement } from "../statements.mjs";

const [port, folder, workers, connections, how] = process.argv.slice(2);

if (cluster.isPrimary) {
  for (let i = 0; i < Number(workers); i += 1) cluster.fork();
} else {
  const prepared = how === "prepared";
  // One plan for all values of a named statement, which is not compiled, as the service has it.
  const options = prepared ? "-c plan_cache_mode=force_generic_plan -c jit=off" : undefined;
  // Connections are kept, as this service keeps its own: between turns pg would close them.
  const pool = new pg.Pool({ max: Number(connections), options, idleTimeoutMillis: 0 });
  const app = express();
  app.disable("x-powered-by");
  app.set("etag", false);

  for (const { path, name, values } of ROUTES) {
    const statement = readStatement(folder, name);
    app.get(path, async (request, response) => {
      const started = performance.now();
      const asked = { text: statement, values: values(request) };
      const { rows } = await pool.query(prepared ? { name, ...asked } : asked);
      const statementMs = performance.now() - started;
      const [answer] = rows;
      const headers = headersOf(answer, request.url);
      if (answer.body === null) response.status(404);
      response.set(headers).json(JSON.parse(answer.body) ?? { status: 404 });
      process.stdout.write(
        logLine(request.method, request.url, path, response.statusCode,
          Number(response.get("content-length")), started, statementMs, headers["x-request-id"]),
      );
    });
  }

  app.listen(Number(port), "127.0.0.1");
}
