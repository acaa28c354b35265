"""Where lines stand in a file that are listed later, found in one pass."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl import rereading
from etl.files import find_changes

HEADER = b"id,style_id,size,quantity\n"
LINES = st.lists(st.sampled_from([b"", b"1", b"1,2", b"1,2\r", b"\r", b"a" * 40]), max_size=30)


@pytest.mark.parametrize("chunk", [1, 2, 7, 64, 1 << 20])
@given(lines=LINES, ended=st.booleans(), chosen=st.sets(st.integers(2, 40)))
@settings(max_examples=60)
def test_lines_are_found(
    tmp_path_factory: pytest.TempPathFactory,
    chunk: int,
    lines: list[bytes],
    ended: bool,
    chosen: set[int],
) -> None:
    path = tmp_path_factory.mktemp("lines") / "skus.csv"
    path.write_bytes(HEADER + b"\n".join(lines) + b"\n" * ended)
    (source,) = find_changes(path.parent)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rereading, "_CHUNK", chunk)
        found = list(rereading.locate_lines(source, sorted(chosen)))
    content = path.read_bytes()
    there = content.split(b"\n")
    assert [(line, content[at : at + length]) for line, at, length in found] == [
        (line, there[line - 1].removesuffix(b"\r")) for line in sorted(chosen) if line <= len(there)
    ]
