"""FastAPI and asyncpg at their best: prepared statements, the JSON text passed through as it came.

uvicorn server:app --workers N
(with SQL_FOLDER, CONNECTIONS and libpq's variables in the environment)
"""

import hashlib
import json
import os
import sys
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
from fastapi import FastAPI, Request, Response

PRODUCT_ROUTES = {
    "/products/{product_id}": "get_product",
    "/products/{product_id}/styles": "get_styles",
    "/products/{product_id}/related": "get_related",
}
FIXED = {
    "Cache-Control": "public, max-age=30, stale-while-revalidate=10, stale-if-error=600",
    "Vary": "Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "ETag, Link, Retry-After, X-Request-ID",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


async def keep(connection: asyncpg.Connection) -> None:
    """Give a connection back as it is: to reset it takes another statement, and nothing was set."""


@asynccontextmanager
async def lifespan(app: FastAPI):
    """Keep a pool for as long as the process lives."""
    connections = int(os.environ["CONNECTIONS"])
    # one plan for all values of a statement, which is not compiled, as the service has it
    settings = {"plan_cache_mode": "force_generic_plan", "jit": "off"}
    async with asyncpg.create_pool(
        min_size=connections, max_size=connections, server_settings=settings, reset=keep
    ) as pool:
        app.state.pool = pool
        yield


app = FastAPI(lifespan=lifespan, openapi_url=None)


def read_statement(name: str) -> str:
    """Return a statement of the service."""
    return Path(os.environ["SQL_FOLDER"], f"{name}.sql").read_text("utf-8")


async def answer(request: Request, route: str, statement: str, *values: int) -> Response:
    """Answer with what a statement returns."""
    started = time.perf_counter()
    number, digest, body, *around = await request.app.state.pool.fetchrow(statement, *values)
    statement_ms = (time.perf_counter() - started) * 1000
    status = 200 if body is not None else 404
    content = (body if body is not None else '{"status":404}').encode()
    query = f"?{request.url.query}" if request.url.query else ""
    url = f"{request.url.path}{query}"
    hashed = hashlib.blake2b(f"{digest} {url}".encode(), digest_size=12).hexdigest()
    request_id = os.urandom(16).hex()
    headers = FIXED | {"ETag": f'"{number}-{hashed}"', "X-Request-ID": request_id}
    if around:
        pages = zip(("first", "prev", "next"), (1, *around), strict=True)
        headers["Link"] = ", ".join(
            f'</products?page={page}>; rel="{relation}"'
            for relation, page in pages
            if page is not None
        )
    entry = {
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "level": "info",
        "event": "request",
        "request_id": request_id,
        "method": request.method,
        "path": url,
        "route": route,
        "status": status,
        "bytes": len(content),
        "duration_ms": round((time.perf_counter() - started) * 1000, 3),
        "statement_ms": round(statement_ms, 3),
    }
    sys.stdout.write(json.dumps(entry) + "\n")
    return Response(content, status, headers, media_type="application/json")


def add_product_route(route: str, statement: str) -> None:
    """Answer a path that names a product."""

    async def show(product_id: int, request: Request) -> Response:
        return await answer(request, route, statement, product_id)

    app.add_api_route(route, show, methods=["GET"])


for path, name in PRODUCT_ROUTES.items():
    add_product_route(path, read_statement(name))

LIST = read_statement("list_products")


@app.get("/products")
async def list_products(request: Request, page: int = 1, count: int = 5) -> Response:
    """Show a page of the list."""
    return await answer(request, "/products", LIST, page, count)
