"""What `flask doctor` says of the host: open files, and limits on time."""

import shutil
from pathlib import Path

import pytest

from products_service.doctor import host
from tests.conftest import MIGRATIONS, Database
from tests.doctor.examined import doctor, flask_doctor, read
from tests.programs import ROOT, environment


def test_too_few_open_files(well: Database) -> None:
    check = read(flask_doctor(env=environment(well), files=256))["open files"]
    assert check.label == "warn"
    assert check.found.startswith("limit 256 here, and a worker may need ")
    assert "LimitNOFILE=" in check.hint


@pytest.fixture
def served_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, which has what gunicorn is started from."""
    for name in ("gunicorn.conf.py", "wsgi.py"):
        shutil.copy(ROOT / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def append(file: Path, text: str) -> None:
    with file.open("a") as stream:
        stream.write(text)


@pytest.mark.parametrize(
    ("file", "text", "settings", "hint"),
    [
        (
            "nginx.conf",
            "  proxy_read_timeout 700ms;\n",
            {},
            "make DB_DEADLINE_MS less than proxy_read_timeout",
        ),
        (
            "gunicorn.conf.py",
            "timeout = 1\n",
            {"DB_DEADLINE_MS": "1000"},
            "make DB_DEADLINE_MS less than gunicorn's timeout",
        ),
    ],
)
def test_limits_on_time_that_do_not_fit_into_one_another(
    well: Database, served_from: Path, file: str, text: str, settings: dict[str, str], hint: str
) -> None:
    append(served_from / file, text)
    check = doctor(well, **settings)["timeouts"]
    assert (check.label, check.hint) == ("FAIL", hint)


@pytest.mark.parametrize(
    ("file", "text", "found"),
    [
        (
            "nginx.conf",
            "proxy_read_timeout 3s;\n    proxy_read_timeout 900ms;\n",
            "500 < DB_DEADLINE_MS 800 < proxy_read_timeout 900 < gunicorn's timeout 30,000 ms",
        ),
        # 0 is none
        ("gunicorn.conf.py", "timeout = 0\n", "500 < DB_DEADLINE_MS 800 ms"),
    ],
)
def test_limits_on_time_that_fit(
    well: Database, served_from: Path, file: str, text: str, found: str
) -> None:
    append(served_from / file, text)
    check = doctor(well)["timeouts"]
    assert (check.label, check.found) == ("ok", f"DB_STATEMENT_TIMEOUT_MS {found}")


def test_a_gunicorn_that_would_not_start(well: Database, served_from: Path) -> None:
    (served_from / "gunicorn.conf.py").write_text(
        "open('asked', 'a').write('once')\nraise SystemExit('no certificate')\n"
    )
    said = doctor(well)
    for name in ("open files", "timeouts"):
        assert said[name].label == "FAIL"
        assert said[name].found == "gunicorn does not start: no certificate"
    assert (served_from / "asked").read_text() == "once"


def test_a_gunicorn_that_says_nothing(
    well: Database, served_from: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (served_from / "gunicorn.conf.py").write_text("import time\ntime.sleep(600)\n")
    monkeypatch.setattr(host, "PATIENCE", 1)
    said = doctor(well)
    for name in ("open files", "timeouts"):
        assert said[name].label == "FAIL"
        assert said[name].found.endswith("it has not shown its settings within 1 s")


def test_a_folder_that_nothing_is_served_from(
    well: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = doctor(well, "--directory", MIGRATIONS)
    for name in ("open files", "timeouts"):
        assert said[name].label == "skip"
        assert "gunicorn.conf.py" in said[name].found
