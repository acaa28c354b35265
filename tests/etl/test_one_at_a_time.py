"""One load at a time: a second one refuses, and does no harm."""

import signal
from contextlib import closing
from pathlib import Path

import pytest

from etl.connection import Connection
from etl.errors import LoadError
from tests.catalogue import load_catalogue
from tests.conftest import Database
from tests.etl.loads import AS_IT_WAS, account, flask_etl, served, started, watching
from tests.etl.test_kill import from_then_on, nothing_published
from tests.waiting import HANG, wait_for


def test_a_second_load_is_refused_and_leaves_the_report_of_the_first(
    database: Database, large: Path, folder: Path, tmp_path: Path
) -> None:
    report = tmp_path / "report"
    (folder / "skus.csv").write_text("id,style_id,size,quantity\nbad\n")
    with (
        watching(database) as runs,
        started(database, "load", large, "--report", report, "--quiet") as first,
    ):
        with nothing_published(database):
            wait_for(lambda: runs(from_then_on("copying a large file")), first)
            first.send_signal(signal.SIGSTOP)
            second = flask_etl(database, "load", folder, "--report", report)
            assert second.returncode == 1
            assert "another load or `flask etl index` is running (server process " in second.stderr
            assert "nothing was done" in second.stderr
            assert second.stderr.endswith(AS_IT_WAS)
            assert second.stdout == ""
            assert served(database)[0] == 0
            first.send_signal(signal.SIGCONT)
        printed, _ = first.communicate(timeout=HANG)
    assert first.returncode == 0
    assert account(printed)["products.csv"] == (8_001, 8_000, 0, 1)
    assert (report / "rejects.csv").read_text().count("products.csv,8002,rejected,") == 1
    assert [file.name for file in (report / "rejects").iterdir()] == ["products.csv"]
    assert served(database)[0] == 1
    assert flask_etl(database, "load", folder, "--report", report).returncode == 0


def test_the_lock_of_loads_goes_with_the_session(
    loaded: Database, folder: Path, reports: Path
) -> None:
    with closing(Connection(loaded.etl)) as connection:
        assert connection.value("lock_loads")
        with pytest.raises(LoadError, match=r" is running \(server process \d+, since"):
            load_catalogue(loaded.etl, folder, reports)
    assert list(reports.iterdir()) == []
    with closing(Connection(loaded.etl)) as connection:
        assert connection.value("lock_loads")


def test_the_next_load_may_follow_at_once(database: Database) -> None:
    # without waiting until the server has noticed that the one before has hung up
    for _ in range(50):
        with closing(Connection(database.etl)) as connection:
            assert connection.value("lock_loads")


def test_a_load_of_another_database_is_no_second_one(
    database: Database, shared_database: Database, folder: Path, reports: Path
) -> None:
    with closing(Connection(database.etl)) as connection:
        assert connection.value("lock_loads")
        load_catalogue(shared_database.etl, folder, reports)
