// Express and pg as this field writes them: a parameterised query, parsed rows, res.json, a pool of 10.
// The statements are the service's own; each worker process is one of a cluster. "prepared" has them
// named, so that PostgreSQL plans them once a connection, which the field does not do.
//
//   node server.js PORT SQL_FOLDER WORKERS CONNECTIONS [prepared]
//
// The database is as libpq's variables name it; the pool is of 10, whatever CONNECTIONS says.

import cluster from "node:cluster";
import express from "express";
import pg from "pg";
import { ROUTES, headersOf, logLine, readStatement } from "../statements.mjs";

const [port, folder, workers, , how] = process.argv.slice(2);

if (cluster.isPrimary) {
  for (let i = 0; i < Number(workers); i += 1) cluster.fork();
} else {
  // Connections are kept, as this service keeps its own: between turns pg would close them.
  const pool = new pg.Pool({ max: 10, idleTimeoutMillis: 0 });
  const prepared = how === "prepared";
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
