"""What a check returns: how it stands, what was found, and what to do about it."""

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """How a check came out. Only FAIL means that something is broken."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Finding:
    """What a check found; `hint` says what to do where that is not ok."""

    status: Status
    found: str
    hint: str = ""


class SkipError(Exception):
    """A check cannot be made here; the message says why, and that is no failure."""


class FailError(Exception):
    """What a check needs is broken itself; `finding` says how."""

    def __init__(self, finding: Finding):
        super().__init__(finding.found)
        self.finding = finding


def ok(found: str) -> Finding:
    """Return a finding that needs nothing."""
    return Finding(Status.OK, found)


def warn(found: str, hint: str) -> Finding:
    """Return a finding that does not stop anything yet."""
    return Finding(Status.WARN, found, hint)


def fail(found: str, hint: str) -> Finding:
    """Return a finding that something is broken."""
    return Finding(Status.FAIL, found, hint)


def listed(things: list[str]) -> str:
    """Return a list for a line: the first few, and how many more."""
    more = f" and {len(things) - 3} more" if len(things) > 3 else ""
    return ", ".join(things[:3]) + more
