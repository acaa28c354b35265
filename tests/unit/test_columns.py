"""What the digests that are written for one table say of it, beside etl/files.py."""

import re

import pytest

from etl.connection import read_sql
from etl.digest import PRICED
from etl.files import TABLES


@pytest.mark.parametrize(("table", "statement"), PRICED.items())
def test_digest_knows_every_column(table: str, statement: str) -> None:
    digest = re.sub(r"--.*", "", read_sql(statement))
    (hashed,) = re.findall(r"ROW\((.*)\) AS line", digest, re.DOTALL)
    (columns,) = (known.columns for known in TABLES if known.name == table)
    assert {column.name for column in columns} <= set(re.findall(r"\w+", hashed))
