"""Checks of the roles: the service's can read and no more, a load's can do what a load does."""

from products_service.database_urls import named_by
from products_service.doctor.findings import Finding, fail, listed, ok, warn
from products_service.doctor.installation import Installation

APP, ETL = "products_app", "products_etl"


def check_app_role(installation: Installation) -> Finding:
    """Whether the service may read the catalogue and nothing else, within a time limit."""
    session = installation.migrated()
    _, _, user, _ = session.row("describe_server")
    if unreadable := [name for (name,) in session.run("list_unreadable")]:
        return fail(
            f"{user} may not read {listed(unreadable)}",
            f"as the owner: GRANT {granting(unreadable[0])} TO {user}",
        )
    if excess := session.run("list_excess"):
        return excessive(installation, user, [f"{verb} ON {name}" for verb, name in excess])
    timeout, read_only = session.row("get_session_defaults")
    if not 0 < timeout <= installation.settings["DB_DEADLINE_MS"]:
        limit = f"a statement_timeout of {timeout:,} ms" if timeout else "no statement_timeout"
        return warn(
            f"{user} begins with {limit}",
            f"as a superuser: ALTER ROLE {user} SET statement_timeout = "
            f"'{installation.settings['DB_STATEMENT_TIMEOUT_MS']}ms', so that it holds behind a "
            "pooler too",
        )
    if not read_only:
        return warn(
            f"{user} does not begin read-only",
            f"as a superuser: ALTER ROLE {user} SET default_transaction_read_only = on",
        )
    return ok(f"{user} only reads, statement_timeout {timeout} ms")


def granting(name: str) -> str:
    """Return what a GRANT says that lets a role read a table or use a schema."""
    privilege = "USAGE" if name.startswith("SCHEMA ") else "SELECT"
    return f"{privilege} ON {name}"


def excessive(installation: Installation, user: str, excess: list[str]) -> Finding:
    """Return the finding on a service that may write: no other role may be had, or one is."""
    roles = {name for (name,) in installation.reached().run("list_roles")}
    found = f"{user} may {listed(excess)}"
    if APP not in roles:
        return warn(
            found,
            "one role does everything here, as where roles cannot be made; the service's sessions "
            "set themselves read-only",
        )
    if user != APP:
        return fail(found, f"let DATABASE_URL log in as {APP}, which only reads")
    return fail(
        found,
        f"as the owner: REVOKE {excess[0]} FROM {user}, and so for each; or take {user} out of the "
        "role that has it",
    )


def check_etl_role(installation: Installation) -> Finding:
    """Whether a load's role can build, publish and record a catalogue.

    Where no URL of its own is set, as on hosts that only serve, the role that the migrations make
    is looked at from the service's session.
    """
    session = installation.migrated()
    _, _, app, _ = session.row("describe_server")
    if named_by(installation.settings, "etl") == "DATABASE_URL":
        roles = {name for (name,) in session.run("list_roles")}
        role = ETL if ETL in roles else app
    else:
        _, _, role, standby = installation.session("etl").row("describe_server")
        if standby:
            return fail(
                "the server is a standby, which only reads",
                "let ETL_DATABASE_URL name the primary (target_session_attrs=read-write finds it "
                "among several hosts)",
            )
    rows = session.run("list_obstacles", {"role": role, "app": app})
    acting = rows[0][0]
    lacking = [what for _, what in rows if what]
    if lacking:
        return fail(
            f"{role} lacks {listed(lacking)}",
            f"as the owner or a superuser, give it to {acting}; docs/operations.md, Roles",
        )
    return ok(f"{role} can load" + (f", as {acting}" if acting != role else ""))
