"""nginx.conf as text: without known mistakes, and of one mind with the service."""

import json
import shutil
import subprocess
import sysconfig
from pathlib import Path

import crossplane
import pytest

from products_service.cluster.nginx import lay_out
from products_service.web.headers import API_POLICY
from products_service.web.problem_types import PROBLEM_TYPES
from products_service.web.problems import problem_document

ROOT = Path(__file__).parents[2]
# Statuses that nginx has of its own, and what clients get for them.
GIVEN_AS = {"494": 431, "497": 400, "502": 503}


def parsed(folder: Path = ROOT) -> list[dict]:
    found = crossplane.parse(str(folder / "nginx.conf"), combine=True)
    assert found["errors"] == []
    return found["config"][0]["parsed"]


def every(name: str, block: list[dict] | None = None) -> list[dict]:
    """Return the directives of that name, wherever they stand."""
    found = []
    for directive in parsed() if block is None else block:
        found += [directive] if directive["directive"] == name else []
        found += every(name, directive.get("block", []))
    return found


def mapped(variable: str, folder: Path = ROOT) -> dict[str, str]:
    """Return what a map of nginx gives for each value."""
    (found,) = [each for each in every("map", parsed(folder)) if each["args"][1] == variable]
    return {line["directive"]: line["args"][0] for line in found["block"]}


def examined(configuration: Path) -> list[dict]:
    """Return what gixy finds."""
    gixy = shutil.which("gixy", path=sysconfig.get_path("scripts"))
    done = subprocess.run(
        [gixy, "--format", "json", str(configuration)], stdout=subprocess.PIPE, check=False
    )
    return json.loads(done.stdout)


def test_gixy_finds_nothing(tmp_path: Path) -> None:
    assert examined(ROOT / "nginx.conf") == []
    # but it would
    text = (ROOT / "nginx.conf").read_text()
    shutil.copytree(ROOT / "nginx", tmp_path / "nginx")
    (tmp_path / "nginx.conf").write_text(text.replace("server_tokens off;", "server_tokens on;"))
    assert len(examined(tmp_path / "nginx.conf")) == 1


def test_its_problems_are_written_as_the_services_are() -> None:
    types, titles = mapped("$problem_type"), mapped("$problem_title")
    details = mapped("$problem_detail")
    assert types.keys() == titles.keys() == details.keys()
    for status in types.keys() - {"default"}:
        assert PROBLEM_TYPES[types[status]].status == int(status)
        (written,) = [each["args"][1] for each in every("return") if each["args"][0] == "200"]
        for name, value in {
            "$problem_type": types[status],
            "$problem_title": titles[status],
            "$problem_detail": details[status],
            "$status": status,
            "$answer_id": "the-id",
        }.items():
            written = written.replace(name, value)
        assert written == problem_document(
            int(status), details[status], "the-id", slug=types[status]
        )


def test_every_status_of_its_own_is_a_problem() -> None:
    handled = set()
    for directive in every("error_page"):
        *statuses, page = directive["args"]
        assert page == "/problem"
        if statuses[-1].startswith("="):
            given = int(statuses.pop()[1:])
            assert all(GIVEN_AS.get(status, int(status)) == given for status in statuses)
        handled |= {GIVEN_AS.get(status, int(status)) for status in statuses}
    assert handled == {int(status) for status in mapped("$problem_type").keys() - {"default"}}
    # the service's own problems pass as they are
    assert every("proxy_intercept_errors") == []


def test_its_problems_have_the_services_policy() -> None:
    headers = {each["args"][0]: each["args"][1:] for each in every("add_header")}
    assert headers["Content-Security-Policy"] == [API_POLICY, "always"]
    assert all(arguments[-1] == "always" for arguments in headers.values())


def test_loopback_alone_is_shipped_without_a_limit() -> None:
    assert mapped("$limited_client") == {"0": "$client_network", "default": ""}
    listed = (ROOT / "nginx" / "unlimited.conf").read_text()
    assert [line for line in listed.splitlines() if not line.startswith("#")] == ["127.0.0.0/8 1;"]


@pytest.mark.parametrize("hosts", [["10.0.0.1:8000"], ["127.0.0.11:8080", "127.0.0.12:8080"]])
def test_every_host_has_the_same_limits(tmp_path: Path, hosts: list[str]) -> None:
    lay_out(ROOT, tmp_path / "nginx", "127.0.0.1:80", hosts, {"*"})
    listed = every("server", every("upstream", parsed(tmp_path / "nginx"))[0]["block"])
    assert [server["args"][0] for server in listed] == hosts
    for server in listed:
        assert server["args"][1:] == ["max_conns=64", "max_fails=3", "fail_timeout=1s"]


@pytest.mark.parametrize(
    ("origins", "answers"),
    [
        ({"*"}, {"default": "*"}),
        (set(), {"default": ""}),
        (
            {"https://shop.example", "http://[::1]:3000"},
            {
                "default": "",
                "https://shop.example": "https://shop.example",
                "http://[::1]:3000": "http://[::1]:3000",
            },
        ),
    ],
)
def test_origins_are_those_of_the_hosts(
    tmp_path: Path, origins: set[str], answers: dict[str, str]
) -> None:
    lay_out(ROOT, tmp_path / "nginx", "127.0.0.1:80", ["127.0.0.11:80"], origins)
    assert mapped("$origin", tmp_path / "nginx") == answers


@pytest.mark.parametrize(
    ("listed", "kept"),
    [
        ("server 10.0.0.1:8000;\nserver 10.0.0.2:8000 down;\n", []),
        (
            "# ours\n\tserver  10.0.0.1:8000 down max_conns=9  max_fails=1; # slow\n",
            ["max_conns=9", "max_fails=1"],
        ),
        ("# none\n", []),
    ],
)
def test_hosts_that_somebody_has_edited(tmp_path: Path, listed: str, kept: list[str]) -> None:
    source = tmp_path / "source"
    shutil.copytree(ROOT / "nginx", source / "nginx")
    shutil.copy(ROOT / "nginx.conf", source)
    (source / "nginx" / "hosts.conf").write_text(listed)
    hosts = ["127.0.0.11:8080", "127.0.0.12:8080"]
    lay_out(source, tmp_path / "nginx", "127.0.0.1:80", hosts, {"*"})
    servers = every("server", every("upstream", parsed(tmp_path / "nginx"))[0]["block"])
    assert [server["args"] for server in servers] == [[host, *kept] for host in hosts]
