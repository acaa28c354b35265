"""Where the embedded server of one checkout lives: its data, its socket, the account it runs as.

Usually all of it is under .devdb/. As root in a place that `nobody` cannot reach, the data goes to
a folder of its own outside; where the path does not fit a socket's address, the socket does. A copy
of the programs, where one is needed, has another folder there.
"""

import errno
import hashlib
import json
import os
import re
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from products_service.embedded.binaries import Account, EmbeddedError, nobody, reachable, version

PORT = 5432
SUPERUSER = "postgres"
DATABASE = "products"
# The folder of `flask cluster` beside the server's, and the file in it that who runs one holds.
CLUSTER = "cluster"
CLUSTER_RUN_FILE = "up"
# sun_path of sockaddr_un has 108 bytes, the last of which is zero
SOCKET_PATH_BYTES = 107
# initdb and pg_ctl put paths between double quotes into a shell's command line
PLAIN_TO_A_SHELL = re.compile(r'[^"$`\\\n]*')
# and a list of folders is split at commas, by libpq and by the server
PLAIN_IN_A_LIST = re.compile(r"[\w ./+=@~-]*")
# The folder outside for a copy of the programs, which all may read; what else is there is private.
PROGRAMS = "-programs"
# libpq's variables, by which a URL that names a socket leads to another server all the same
LEADING_ELSEWHERE = ("PGHOSTADDR", "PGSERVICE")


@dataclass(frozen=True)
class Place:
    """Where one server lives. `account` is None where it runs as ourselves."""

    devdb: Path
    home: Path
    sockets: Path
    account: Account | None

    @property
    def data(self) -> Path:
        """The data folder, complete if it exists."""
        return self.home / "data"

    @property
    def log(self) -> Path:
        """The server's log."""
        return self.home / "server.log"

    @property
    def programs(self) -> Path:
        """Where a copy of the programs is, if the account cannot run those that are installed."""
        return outside(self.devdb, PROGRAMS)

    @property
    def outside_folders(self) -> list[Path]:
        """The folders outside `devdb` that are this server's alone, if there are any."""
        folders = {self.home.parent, outside(self.devdb), self.programs} - {self.devdb}
        if self.home.parent != self.devdb:  # named after where the checkout was at first
            folders.add(self.home.parent.with_name(self.home.parent.name + PROGRAMS))
        return [folder for folder in folders if folder.is_dir()]

    @property
    def held(self) -> Path:
        """The file that every process of the server holds a lock on."""
        return self.devdb / "server"

    @property
    def record(self) -> Path:
        """The file that remembers the choice of places."""
        return self.devdb / "place.json"


def locate(devdb: Path) -> Place:
    """Return where the server of the folder `devdb` lives, or will. Raises EmbeddedError."""
    devdb = devdb.resolve()
    record = read_record(devdb)
    home = Path(record["home"]) if "home" in record else choose_home(devdb)
    sockets = Path(record["sockets"]) if record.get("devdb") == str(devdb) else None
    return Place(devdb, home, sockets or choose_sockets(devdb, home), owner_of(home))


def read_record(devdb: Path) -> dict[str, str]:
    """Return what was recorded at the first start; "home" only if it is outside `devdb`."""
    file = devdb / "place.json"
    try:
        record = json.loads(file.read_text())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except ValueError:
        raise EmbeddedError(f"{file} is damaged: remove it, it is written anew") from None
    if record["devdb"] != str(devdb) and os.path.exists(f"{record['devdb']}/place.json"):
        return {}  # we are the copy of another checkout, which goes on using what is outside
    return record


def write_record(place: Place) -> None:
    """Record the place, so that it is found again whatever becomes reachable or not."""
    record = {"devdb": str(place.devdb), "sockets": str(place.sockets)}
    if not place.home.is_relative_to(place.devdb):
        record["home"] = str(place.home)
    new = place.record.with_suffix(".new")
    new.write_text(json.dumps(record) + "\n")
    new.replace(place.record)


def choose_home(devdb: Path) -> Path:
    """Return the folder of the installed major version, inside `devdb` if that can be used.

    Raises EmbeddedError where `devdb` cannot be a folder.
    """
    major = version().partition(".")[0]
    inside = devdb / major
    if inside.exists():
        return inside
    existing = next(path for path in (devdb, *devdb.parents) if os.path.exists(path))
    if not os.path.isdir(existing):
        raise unusable(devdb, os.strerror(errno.ENOTDIR))
    account = nobody() if os.geteuid() == 0 else None
    if PLAIN_TO_A_SHELL.fullmatch(str(devdb)) and reachable(existing, account):
        return inside
    return outside(devdb) / major


def choose_sockets(devdb: Path, home: Path) -> Path:
    """Return the folder of the socket: `home` where its path is short and plain enough."""
    path = os.fsencode(home / f".s.PGSQL.{PORT}")
    if len(path) <= SOCKET_PATH_BYTES and PLAIN_IN_A_LIST.fullmatch(str(home)):
        return home
    return outside(devdb)


def outside(devdb: Path, suffix: str = "") -> Path:
    """Return the folder, somewhere short, for what cannot be under `devdb`.

    With PROGRAMS as `suffix` it is that of the copied programs.
    """
    name = f"products-service-{hashlib.sha256(os.fsencode(devdb)).hexdigest()[:16]}{suffix}"
    # folders that survive a restart of the machine; in the first only root can be in the way
    wanted = "/var/lib" if os.geteuid() == 0 else "/var/tmp"  # noqa: S108
    return Path(wanted if os.access(wanted, os.W_OK) else tempfile.gettempdir()) / name


def owner_of(home: Path) -> Account | None:
    """Return the account that the server in `home` runs as. Raises EmbeddedError."""
    try:
        found = home.stat()
    except FileNotFoundError:
        found = None
    except PermissionError:
        raise foreign(home) from None
    if os.geteuid() == 0:
        if found is None or found.st_uid == 0:
            return nobody()
        return Account(found.st_uid, found.st_gid)
    if found is not None and found.st_uid != os.geteuid():
        raise foreign(home)
    return None


def unusable(path: Path, why: str) -> EmbeddedError:
    """Return the error for a folder that the server cannot live in."""
    return EmbeddedError(
        f"cannot use {path}: {why}. Work as the user it belongs to, or name another "
        "folder in DEVDB_DIR, or another server in DATABASE_URL"
    )


def foreign(folder: Path) -> EmbeddedError:
    """Return the error for a folder that is not ours."""
    return EmbeddedError(
        f"{folder} is not a folder of the account that runs the embedded server alone: work as "
        "the user who made it, remove it, or name another folder in DEVDB_DIR"
    )


def make_private(folder: Path, account: Account | None) -> None:
    """Make `folder` if need be, for `account` alone. Raises EmbeddedError if somebody else did."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if account is not None and found.st_uid == 0 and stat.S_ISDIR(found.st_mode):
        # new, or we were killed between the two calls
        os.chown(folder, *account, follow_symlinks=False)
        found = folder.lstat()
    uid = os.geteuid() if account is None else account.uid
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != uid or found.st_mode & 0o077:
        raise foreign(folder)


def make_readable(folder: Path) -> None:
    """Make `folder` if need be, ours, for all to enter. Raises EmbeddedError if another did."""
    folder.mkdir(mode=0o755, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise foreign(folder)
    folder.chmod(0o755)  # the umask may have been stricter


def url(devdb: Path, user: str) -> str:
    """Return the libpq URL of the server of `devdb`, running or not.

    Raises EmbeddedError, also where a variable would lead libpq elsewhere.
    """
    for name in LEADING_ELSEWHERE:
        if os.environ.get(name):
            raise EmbeddedError(
                f"{name} is set, and libpq would look for the embedded server there: unset it, or "
                "name another server in DATABASE_URL"
            )
    user, sockets = (quote(part, safe="") for part in (user, str(locate(devdb).sockets)))
    # the port is written out because PGPORT would change it otherwise
    return f"postgresql://{user}@/{DATABASE}?host={sockets}&port={PORT}"
