"""What a load's statements say of a table, beside etl/files.py."""

import re

import pytest

from etl.connection import read_sql
from etl.files import TABLES, Table


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_merge_and_digest_know_every_column(table: Table) -> None:
    names = {column.name for column in table.columns}
    merge, digest = (
        re.sub(r"--.*", "", read_sql(f"{what}_{table.name}")) for what in ("upsert", "digest")
    )
    assert names - {"id"} == set(re.findall(r"excluded\.(\w+)", merge)) - {"position"}
    (hashed,) = re.findall(r"ROW\((.*)\) AS line", digest, re.DOTALL)
    assert names <= set(re.findall(r"\w+", hashed))
