"""A database that nothing was ever loaded into."""

from contextlib import closing
from pathlib import Path

import click
import pytest

import etl.sample
from etl.connection import Connection
from etl.errors import EtlError
from etl.load_lock import take_load_lock
from etl.sample import ensure_sample
from products_service.commands.preparing import fill_if_new
from tests.catalogue import load_catalogue
from tests.conftest import Database
from tests.etl.loads import ROWS, flask_etl, recorded, rows_of, served, texts


def test_sample_is_the_first_catalogue(database: Database) -> None:
    assert ensure_sample(database.etl, 10)
    assert served(database)[0] == 1
    assert not ensure_sample(database.etl, 10)
    assert served(database)[0] == 1


def test_sample_takes_the_place_of_no_catalogue(
    database: Database, folder: Path, reports: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generate = etl.sample.generate

    def generate_while_another_is_loaded(*arguments: object) -> None:
        generate(*arguments)
        load_catalogue(database.etl, folder, reports)

    monkeypatch.setattr(etl.sample, "generate", generate_while_another_is_loaded)
    assert not ensure_sample(database.etl, 10)
    assert len(recorded(database)) == 1
    assert rows_of(database, "skus") == texts(ROWS["skus"])


def test_sample_makes_way_for_a_load_that_runs(database: Database) -> None:
    with closing(Connection(database.etl)) as other:
        take_load_lock(other)
        assert not ensure_sample(database.etl, 10)
    assert ensure_sample(database.etl, 10)


@pytest.mark.parametrize("error", [EtlError("the disk is slow"), OSError("no space left")])
def test_sample_that_cannot_be_loaded(
    error: Exception, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(etl.sample, "generate", fail)
    with pytest.raises(click.ClickException, match=str(error)):
        fill_if_new(database.etl)


def test_changes_of_no_catalogue_are_refused(
    database: Database, folder: Path, reports: Path
) -> None:
    done = flask_etl(database, "load", folder, "--mode", "upsert", "--report", reports)
    assert done.returncode == 1
    assert "load a whole one first" in done.stderr
    assert served(database)[0] == 0
