"""How many lines of a file were read, loaded, repaired and rejected, and how long it took."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field


@dataclass
class Tally:
    """The account of one file: every line read is loaded or rejected."""

    read: int = 0
    loaded: int = 0  # the repaired ones too
    repaired: int = 0
    rejected: int = 0
    reading: float = 0.0  # seconds, copying included
    checking: float = 0.0  # seconds
    # The numbers of those lines, ascending, 8 bytes each: lines that the database rejects are
    # known by the position of their rows, which count the copied lines alone.
    repaired_lines: array = field(default_factory=lambda: array("q"), repr=False)
    rejected_lines: array = field(default_factory=lambda: array("q"), repr=False)

    def lines_at(self, positions: Iterable[int]) -> Iterator[int]:
        """Yield the line number of each row, given their positions, 1 for the first row copied."""
        # Rejected line number i of those before a row at position p stands after this many rows:
        copied_before = array("q", (line - 2 - i for i, line in enumerate(self.rejected_lines)))
        for position in positions:
            yield 1 + position + bisect_left(copied_before, position)

    @property
    def seconds(self) -> float:
        """How long the file took in all."""
        return self.reading + self.checking

    def was_repaired(self, line: int) -> bool:
        """Whether the line is among the repaired ones."""
        at = bisect_left(self.repaired_lines, line)
        return at < len(self.repaired_lines) and self.repaired_lines[at] == line

    def counts(self) -> dict[str, int]:
        """Return the four figures by name."""
        return {
            "read": self.read,
            "loaded": self.loaded,
            "repaired": self.repaired,
            "rejected": self.rejected,
        }
