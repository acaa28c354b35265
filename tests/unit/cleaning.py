"""Files that are cleaned in this process, and what goes to COPY as it reads it."""

import io
import re
from pathlib import Path

from etl.clean import Cleaner
from etl.files import TABLES, SourceFile
from etl.tally import Tally

TABLE = {table.name: table for table in TABLES}


def clean_file(table, data, spaced=False, block_size=1 << 20, max_line=1 << 20, header=b"id\n"):
    """Return what goes to COPY, the incidents and the tally, for the lines after a header."""
    source = SourceFile(TABLE[table], Path("x.csv"), 0, spaced, header.strip(), len(header), (0, 0))
    incidents = []
    tally = Tally()
    cleaner = Cleaner(source, io.BytesIO(data), tally, incidents.append, block_size, max_line)
    return cleaner.read(), incidents, tally


def copied_rows(output):
    """Return the rows as COPY reads them: tuples of text, None for a bare null."""
    field = re.compile(rb'"((?:[^"]|"")*)"|([^",\r\n]+)')
    rows = []
    for line in output.split(b"\n")[:-1]:
        row, position = [], 0
        while True:
            match = field.match(line, position)
            assert match, line
            text = match[1].replace(b'""', b'"') if match[2] is None else match[2]
            row.append(None if match[2] == b"null" else text)
            position = match.end() + 1
            if match.end() == len(line):
                break
            assert line[match.end() : position] == b","
        rows.append(tuple(row))
    return rows


def typed(table, rows):
    """Return the rows with flags spelt one way, as the database would show them."""
    if table != "styles":
        return rows
    flags = {b"1": True, b"t": True, b"true": True, b"0": False, b"f": False, b"false": False}
    return [(*row[:-1], flags[row[-1]]) for row in rows]
