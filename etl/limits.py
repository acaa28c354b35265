"""How many rows a load may reject, and may take from what is served."""

from dataclasses import dataclass
from decimal import Decimal

from etl.errors import EtlError
from etl.files import SourceFile
from etl.tally import Tally


class LimitError(EtlError):
    """More rows were rejected, or would be gone, than is allowed; nothing was published."""


@dataclass(frozen=True)
class RowLimit:
    """A number of rows, a percentage of those of a file or table, or the larger of both."""

    rows: int | None = None
    percent: Decimal | None = None

    def allowed(self, rows: int) -> int:
        """Return the highest number of `rows` that is within the limit."""
        share = int(rows * (self.percent or 0) / 100)
        return max(self.rows or 0, share)


MAX_REJECTS = RowLimit(rows=10, percent=Decimal(1))  # where nobody says anything else


def check_rejects(source: SourceFile, tally: Tally, limit: RowLimit) -> None:
    """Raise LimitError when the file has more rejects than are allowed."""
    allowed = limit.allowed(tally.read)
    if tally.rejected > allowed:
        raise LimitError(
            f"{source.name}: {tally.rejected} of {tally.read} rows rejected, more than the "
            f"{allowed} allowed (--max-rejects); nothing was published"
        )


def check_shrinking(source: SourceFile, tally: Tally, served: int, limit: RowLimit) -> None:
    """Raise LimitError when the table would have lost more of its `served` rows than allowed."""
    lost, allowed = served - tally.loaded, limit.allowed(served)
    if lost > allowed:
        raise LimitError(
            f"{source.name}: {tally.loaded} rows loaded where {served} are served, {lost} fewer, "
            f"more than the {allowed} allowed (--max-shrink); nothing was published. Is the file "
            "whole?"
        )
