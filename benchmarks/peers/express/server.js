// Express and pg as this field writes them: a parameterised query, parsed rows, res.json, a pool of 10.
// The statements are the service's own; each worker process is one of a cluster.
//
//   node server.js PORT SQL_FOLDER WORKERS     (the database as libpq's variables name it)

import cluster from "node:cluster";
import express from "express";
import pg from "pg";
import { ROUTES, headersOf, logLine, readStatement } from "../statements.mjs";

const [port, folder, workers] = process.argv.slice(2);

if (cluster.isPrimary) {
  for (let i = 0; i < Number(workers); i += 1) cluster.fork();
} else {
  // Connections are kept, as this service keeps its own: between turns pg would close them.
  const pool = new pg.Pool({ max: 10, idleTimeoutMillis: 0 });
  const app = express();
  app.disable("x-powered-by");
  app.set("etag", false);

  for (const { path, name, values } of ROUTES) {
    const statement = readStatement(folder, name);
    app.get(path, async (request, response) => {
      const started = performance.now();
      const { rows } = await pool.query(statement, values(request));
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
