"""nginx's files: whether each nginx takes them, and who may run it."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from products_service.cluster.members import ask
from products_service.cluster.nginx import lay_out
from products_service.embedded.binaries import nobody
from products_service.leash import leashed
from tests.programs import ROOT, free_port
from tests.servers import checkout
from tests.system.fleet import NGINX, find
from tests.system.service import LOOPBACK
from tests.waiting import HANG, wait_for

pytestmark = pytest.mark.slow


def complaints(program: str, folder: Path, configuration: Path) -> str:
    """Return what nginx says of a configuration, which it has to take."""
    checked = subprocess.run(
        [find(program), "-t", *("-p", f"{folder}/", "-c", str(configuration))],
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr
    return checked.stderr


@pytest.mark.parametrize("program", NGINX)
def test_the_files_are_good_as_they_are_shipped(program: str, tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    assert "[warn]" not in complaints(program, tmp_path, ROOT / "nginx.conf")


@pytest.mark.parametrize("program", NGINX)
def test_the_longest_origin_that_there_can_be(program: str, tmp_path: Path) -> None:
    # a host of 253 letters, and a port
    origin = f"https://{'.'.join(['a' * 63] * 3)}.{'a' * 61}:65535"
    folder = tmp_path / "nginx"
    lay_out(ROOT, folder, f"{LOOPBACK}:80", ["127.0.0.9:80"], {origin})
    assert "[warn]" not in complaints(program, folder, folder / "nginx.conf")


@pytest.mark.skipif(os.geteuid() != 0, reason="the other tests run as an ordinary user already")
def test_an_ordinary_user_may_run_it() -> None:
    account, port = nobody(), free_port()
    with checkout() as folder:
        lay_out(ROOT, folder / "nginx", f"{LOOPBACK}:{port}", [f"127.0.0.9:{port}"], {"*"})
        for path in (folder, *folder.rglob("*")):
            os.chown(path, *account)
        configuration = folder / "nginx" / "nginx.conf"
        argv = [find("system"), *("-p", f"{folder}/nginx/", "-c", str(configuration))]
        process = subprocess.Popen(
            leashed([*argv, "-e", "stderr", "-g", "daemon off;"], signal.SIGTERM, *account),
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert wait_for(lambda: ask((LOOPBACK, port), "/products")[0]) == 503
        finally:
            process.terminate()
            _, said = process.communicate(timeout=HANG)
    assert "[emerg]" not in said
    assert "[warn]" not in said
