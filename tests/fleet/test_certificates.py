"""A certificate that nginx could not read is refused before anything of the balancer is changed."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.fleet.rollout import PROGRAMS, ROOT, make_certificate

pytestmark = pytest.mark.slow

END = "-----END CERTIFICATE-----\n"
NOT_ALONE = "nginx_tls_certificate has to have certificates in PEM"
NOT_ITS_KEY = "nginx_tls_key is not the key of nginx_tls_certificate"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    make_certificate(folder)
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "vars": {"nginx_tls_certificate_path": "/nowhere", "nginx_tls_key_path": "/nowhere"},
        "tasks": [
            {
                "ansible.builtin.include_role": {
                    "name": str(ROOT / "ansible/roles/nginx"),
                    "tasks_from": "certificate",
                }
            }
        ],
    }
    (folder / "play.yml").write_text(json.dumps([play]), "ascii")
    return folder


def look_at(folder: Path, certificate: str) -> subprocess.CompletedProcess[str]:
    return look(
        folder,
        nginx_tls_certificate=certificate,
        nginx_tls_key=(folder / "tls.key").read_text("ascii"),
    )


def look(folder: Path, **told: str) -> subprocess.CompletedProcess[str]:
    (folder / "told.json").write_text(json.dumps(told), "ascii")
    where = ("-i", "localhost,", "-c", "local", "-e", f"@{folder}/told.json")
    return subprocess.run(
        [PROGRAMS / "ansible-playbook", *where, folder / "play.yml"],
        cwd=ROOT / "ansible",
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_chain_is_taken(folder: Path) -> None:
    own, between = (folder / name for name in ("tls.pem", "authority.pem"))
    chain = f"{own.read_text('ascii')}the next\n{between.read_text('ascii')}"
    for text in (own.read_text("ascii"), chain, chain.replace("\n", "\r\n")):
        done = look_at(folder, text)
        assert done.returncode == 0, done.stdout


def test_what_is_none_is_refused(folder: Path) -> None:
    own, between = ((folder / name).read_text("ascii") for name in ("tls.pem", "authority.pem"))
    key = (folder / "tls.key").read_text("ascii")
    for text, because in (
        ("nothing", NOT_ALONE),
        (own + between.replace(END, ""), NOT_ALONE),
        (own.replace(END, "") + between, NOT_ALONE),
        (own + key, NOT_ALONE),
        (own + key.partition("\n")[2], NOT_ALONE),
        (between + own, NOT_ITS_KEY),
        (own + between[:200] + between[240:], "item=number 2"),
    ):
        done = look_at(folder, text)
        assert done.returncode != 0
        assert because in " ".join(done.stdout.split())
        assert key.splitlines()[1] not in done.stdout


def test_one_that_has_ended_is_refused_unless_it_is_there(folder: Path) -> None:
    ended = ("openssl", "x509", "-req", "-in", "tls.csr", "-out", "ended.pem", "-days", "-1")
    by = ("-CA", "authority.pem", "-CAkey", "authority.key")
    subprocess.run([*ended, *by], cwd=folder, check=True, stderr=subprocess.DEVNULL)
    told = {
        "nginx_tls_certificate": (folder / "ended.pem").read_text("ascii"),
        "nginx_tls_key": (folder / "tls.key").read_text("ascii"),
    }
    refused = look(folder, **told)
    assert refused.returncode != 0
    said = " ".join(refused.stdout.split())
    assert "nginx_tls_certificate has one that has ended" in said
    done = look(folder, **told, nginx_tls_certificate_path=str(folder / "ended.pem"))
    # which nginx could not see, in this folder; but it is not refused for its end
    assert "has one that has ended" not in " ".join(done.stdout.split())


def test_one_that_nginx_cannot_read_is_refused(folder: Path) -> None:
    """As where something else writes it, in a folder of its own."""

    def found(file: str) -> subprocess.CompletedProcess[str]:
        nothing = {"nginx_tls_certificate": "", "nginx_tls_key": ""}
        return look(
            folder, **nothing, nginx_tls_certificate_path=file, nginx_tls_key_path="/etc/hostname"
        )

    assert found("/etc/hostname").returncode == 0
    refused = found("/etc/shadow")
    assert refused.returncode != 0
    said = " ".join(refused.stdout.split())
    assert "nginx runs as www-data, which cannot read /etc/shadow: give that account leave" in said
