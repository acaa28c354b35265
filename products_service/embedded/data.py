"""The embedded server's folders and its data, made once."""

import os
import pwd
import shutil
from contextlib import suppress
from pathlib import Path

from products_service.embedded.binaries import (
    EmbeddedError,
    copy_wheel,
    reachable,
    run,
    wheel_folder,
)
from products_service.embedded.place import (
    CLUSTER,
    CLUSTER_RUN_FILE,
    DATABASE,
    PLAIN_TO_A_SHELL,
    SUPERUSER,
    Place,
    make_private,
    make_readable,
    write_record,
)
from products_service.run_file import find_holder

# who holds which may do what: server.py; `lock` is removed last, since who finds none begins anew
LOCKS = ("server", "users", "keep", "lock")
INITDB_OPTIONS = (
    "--auth=trust",  # who reaches the socket may do everything: its folder is private
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--no-instructions",
)


def prepare(place: Place, lock: int) -> None:
    """Make folders and data where they are missing. `lock` is what create() says."""
    if place.home.parent != place.devdb:
        make_private(place.home.parent, place.account)
    for folder in (place.home, place.sockets):
        make_private(folder, place.account)
    write_record(place)
    if not place.data.exists():
        create(place, lock)


def remove_data(place: Place) -> None:
    """Remove the data folder, which is there as a whole or not at all. Raises EmbeddedError."""
    going = place.data.with_name("data.going")
    remove_folder(going)
    if place.data.exists():
        place.data.rename(going)
        remove_folder(going)


def remove_rest(place: Place) -> None:
    """Remove what else is the server's and its users', and the folders if nothing is left in them.

    DEVDB_DIR may be a folder in which others have files. Raises EmbeddedError.
    """
    for folder in place.outside_folders:
        remove_folder(folder)
    remove_folder(place.home / "data.new")
    up = place.devdb / CLUSTER / CLUSTER_RUN_FILE
    if up.exists() and find_holder(up) is None:  # one that runs is stopped by `flask cluster down`
        remove_folder(place.devdb / CLUSTER)
    try:
        for file in (
            *place.home.glob(".s.PGSQL.*"),
            place.log,
            place.record,
            *(place.devdb / name for name in LOCKS),
        ):
            file.unlink(missing_ok=True)
    except OSError as error:
        raise EmbeddedError(f"{file} cannot be removed: {error.strerror}") from None
    for folder in (place.home, place.devdb):
        with suppress(OSError):  # it is not there, or not empty
            folder.rmdir()


def remove_folder(folder: Path) -> None:
    """Remove a folder, if it is there. Raises EmbeddedError."""
    if not folder.exists():
        return
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise EmbeddedError(f"{folder} cannot be removed: {error}") from None


def create(place: Place, lock: int) -> None:
    """Make the data folder with its database, complete or not at all.

    The programs hold the lock too: if we are killed, they end before another one begins.
    """
    refuse_nameless(place)
    programs = programs_for(place)
    new = place.data.with_name("data.new")
    shutil.rmtree(new, ignore_errors=True)
    run(
        [programs / "initdb", "-D", new, "-U", SUPERUSER, *INITDB_OPTIONS],
        place.account,
        held=lock,
    )
    run(
        [programs / "postgres", "--single", "-D", new, "-c", "exit_on_error=on", "postgres"],
        place.account,
        text=f"CREATE DATABASE {DATABASE}\n",
        held=lock,
    )
    new.rename(place.data)


def refuse_nameless(place: Place) -> None:
    """Raise EmbeddedError where the server's account has a number and no name: initdb wants one."""
    uid = os.geteuid() if place.account is None else place.account.uid
    try:
        pwd.getpwuid(uid)
    except KeyError:
        raise EmbeddedError(
            f"user {uid} has no entry in /etc/passwd, without which PostgreSQL makes no data: add "
            "one, work as a user who has one, or set DATABASE_URL"
        ) from None


def programs_for(place: Place) -> Path:
    """Return the folder of programs that the server's account can run: the wheel's, or a copy."""
    programs = wheel_folder() / "bin"
    if PLAIN_TO_A_SHELL.fullmatch(str(programs)) and reachable(
        programs / "postgres", place.account
    ):
        return programs
    make_readable(place.programs)
    return copy_wheel(place.programs)
