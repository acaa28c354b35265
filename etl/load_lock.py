"""The lock of whoever changes the catalogue: one load, or one change of indexes, at a time."""

from etl.connection import Connection
from etl.errors import LoadError


class RunningError(LoadError):
    """Another load is running, or somebody changes indexes."""


def take_load_lock(connection: Connection) -> None:
    """Take the lock of whoever changes the catalogue and become its owner.

    Raises RunningError where somebody has it, another EtlError where there can be no load.
    """
    if connection.encoding != "UTF8":
        raise LoadError(
            f"the database's encoding is {connection.encoding}, in which not every text can be "
            "written: make one with ENCODING 'UTF8' (TEMPLATE template0)"
        )
    if connection.value("is_standby"):
        raise LoadError(
            "this server is a standby, which takes no writes: set ETL_DATABASE_URL to the primary"
        )
    connection.require_catalogue()
    if not connection.value("lock_loads"):
        running = connection.run("find_running_load")
        which = ""
        if running:
            process, since = running[0]  # of another role's session that is hidden from us
            which = f" (server process {process}{f', since {since}' if since else ''})"
        raise RunningError(f"another load or `flask etl index` is running{which}; nothing was done")
    if connection.value("find_owner_role"):
        connection.run("become_owner")
