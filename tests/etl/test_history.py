"""flask etl history: the record of what was published."""

import json
from pathlib import Path

from tests.catalogue import load_catalogue, write_catalogue
from tests.conftest import Database
from tests.etl.loads import COUNTS, add_bad_lines, counts, flask_etl


def test_history(database: Database, folder: Path, reports: Path) -> None:
    assert flask_etl(database, "history").stdout == "No load was published yet.\n"
    assert flask_etl(database, "history", "--json").stdout == ""
    add_bad_lines(folder, 1, 5)
    first = load_catalogue(database.etl, folder, reports)
    other = write_catalogue(reports / "other", {})
    second = load_catalogue(database.etl, other, reports)

    printed = flask_etl(database, "history").stdout.splitlines()
    assert [line.split()[:2] for line in printed] == [["load", "2"], ["load", "1"]]
    assert printed[0].endswith(f" s  0 rows, 0 rejected  {second.digest}  {other.resolve()}")
    assert printed[1].endswith(f" s  20 rows, 1 rejected  {first.digest}  {folder.resolve()}")

    listed = flask_etl(database, "history", "--json").stdout.splitlines()
    newest, oldest = map(json.loads, listed)
    assert newest["number"] == 2
    assert list(oldest) == [
        *("number", "mode", "published_at", "seconds", "source", "digest", "tables")
    ]
    assert oldest["mode"] == "replace"
    assert oldest["source"] == str(folder.resolve())
    assert oldest["digest"] == first.digest
    expected = {name.removesuffix(".csv"): figures for name, figures in counts(first).items()}
    for table in oldest["tables"].values():
        assert int(table.pop("hashes"))
        assert table.pop("rows") == table["loaded"]
        assert table.pop("removed") == 0
    assert oldest["tables"] == {
        table: dict(zip(COUNTS, figures, strict=True)) for table, figures in expected.items()
    }
    assert expected["photos"] == (6, 5, 0, 1)
    limited = flask_etl(database, "history", "--json", "--limit", "1").stdout.splitlines()
    assert limited == listed[:1]
