"""How many rejected lines are published, and what is said of them."""

from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner

from etl.commands import etl
from etl.limits import MAX_REJECTS, LimitError, RowLimit
from tests.catalogue import load_catalogue
from tests.conftest import Database
from tests.etl.loads import AS_IT_WAS, SUMMARY, account, add_bad_lines, counts, flask_etl, served


@pytest.mark.parametrize(
    ("limit", "rows", "allowed"),
    [
        (MAX_REJECTS, 0, 10),
        (MAX_REJECTS, 1_000, 10),
        (MAX_REJECTS, 1_099, 10),
        (MAX_REJECTS, 1_100, 11),
        (MAX_REJECTS, 11_323_917, 113_239),
        (RowLimit(rows=0), 5_000, 0),
        (RowLimit(rows=3), 5_000, 3),
        (RowLimit(percent=Decimal(0)), 5_000, 0),
        (RowLimit(percent=Decimal(2)), 149, 2),
        (RowLimit(percent=Decimal("0.29")), 100_000, 290),
        (RowLimit(percent=Decimal("1.15")), 100_000, 1_150),
        (RowLimit(percent=Decimal(100)), 7, 7),
    ],
)
def test_limit(limit: RowLimit, rows: int, allowed: int) -> None:
    assert limit.allowed(rows) == allowed


@pytest.mark.parametrize(("bad", "good"), [(10, 0), (10, 90), (20, 1_980)])
def test_as_many_rejects_as_allowed_are_published(
    shared_database: Database, folder: Path, reports: Path, bad: int, good: int
) -> None:
    add_bad_lines(folder, bad, good)
    result = load_catalogue(shared_database.etl, folder, reports)
    assert counts(result)["photos.csv"] == (bad + good, good, 0, bad)


@pytest.mark.parametrize(("bad", "good", "allowed"), [(11, 0, 10), (11, 989, 10), (21, 1_979, 20)])
def test_one_reject_more_is_not(
    loaded: Database, folder: Path, reports: Path, bad: int, good: int, allowed: int
) -> None:
    add_bad_lines(folder, bad, good)
    with pytest.raises(LimitError) as refused:
        load_catalogue(loaded.etl, folder, reports)
    message = f"photos.csv: {bad} of {bad + good} rows rejected, more than the {allowed} allowed"
    assert message in str(refused.value)


def test_rejects_of_the_database_count_too(loaded: Database, folder: Path, reports: Path) -> None:
    lines = [f"{id_},{id_ % 2 * 99 + 1},u,t" for id_ in range(1, 23)]
    (folder / "photos.csv").write_text("\n".join(["id,style_id,url,thumbnail_url", *lines]))
    with pytest.raises(LimitError, match=r"photos.csv: 11 of 22 rows .* the 10 allowed"):
        load_catalogue(loaded.etl, folder, reports)


def test_the_command_refuses_and_still_gives_an_account(
    loaded: Database, folder: Path, tmp_path: Path
) -> None:
    add_bad_lines(folder, 2, 98)
    report = tmp_path / "report"
    for limit in ("1", "1%", "1.99%"):
        done = flask_etl(loaded, "load", folder, "--report", report, "--max-rejects", limit)
        assert done.returncode == 1
        assert "photos.csv: 2 of 100 rows rejected, more than the 1 allowed" in done.stderr
        assert done.stderr.endswith(AS_IT_WAS)
        assert account(done.stdout)["photos.csv"] == (100, 98, 0, 2)
        assert f"{report}/rejects.csv" in done.stdout
        assert "Published" not in done.stdout
        assert (report / "rejects.csv").read_text().count("photos.csv,") == 2


def test_the_command_publishes_what_the_limit_allows(
    database: Database, folder: Path, tmp_path: Path
) -> None:
    add_bad_lines(folder, 2, 98)
    report = tmp_path / "report"
    for number, limit in enumerate(("2", "2%", "100%"), 1):
        done = flask_etl(database, "load", folder, "--report", report, "--max-rejects", limit)
        assert done.returncode == 0
        assert account(done.stdout) == SUMMARY | {
            "photos.csv": (100, 98, 0, 2),
            "total": (115, 113, 0, 2),
        }
        digest = served(database)[1]
        assert done.stdout.endswith(
            f"Repaired and rejected lines: {report}/rejects.csv\n"
            f"Published as load {number}, digest {digest}.\n"
        )


@pytest.mark.parametrize(
    "limit",
    [
        "",
        "x",
        "-1",
        "+1",
        "1.5",
        "%",
        "-1%",
        "101%",
        "nan%",
        "1e1%",
        "1_0",
        "1_0%",
        " 5%",
        "\u0665%",
    ],
)
def test_a_limit_that_is_none_is_a_usage_error(limit: str) -> None:
    done = CliRunner().invoke(etl, ["load", "nowhere", "--max-rejects", limit])
    assert done.exit_code == 2
    assert "neither a number of rows (20) nor a percentage (0.5%)" in done.output
