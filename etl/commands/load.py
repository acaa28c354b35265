"""flask etl load: the whole catalogue anew, or what has changed."""

import json
import os
import re
import signal
import sys
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from etl.commands.database import etl_database
from etl.commands.summary import summarise, table_lines
from etl.limits import MAX_REJECTS, RowLimit
from etl.load import load as run_load
from etl.outcome import Outcome, written
from etl.progress import choose_progress
from etl.upsert import upsert as run_upsert

FOLDER = click.Path(path_type=Path)


class RowLimitType(click.ParamType):
    """N rows, or N% of those of a file or table."""

    name = "N|N%"

    def convert(self, value: Any, param: Any, ctx: Any) -> RowLimit:
        """Return the limit; fail with what is allowed."""
        if isinstance(value, RowLimit):
            return value
        if re.fullmatch(r"[0-9]{1,9}", value):
            return RowLimit(rows=int(value))
        percent = re.fullmatch(r"([0-9]{1,3}(?:\.[0-9]{1,9})?)%", value)
        if percent and Decimal(percent[1]) <= 100:
            return RowLimit(percent=Decimal(percent[1]))
        self.fail(f"{value!r} is neither a number of rows (20) nor a percentage (0.5%)", param, ctx)


@click.command()
@click.argument("folder", type=FOLDER)
@click.option(
    "--mode",
    type=click.Choice(["replace", "upsert"]),
    default="replace",
    show_default=True,
    help="Replace the whole catalogue, or merge changed rows into it.",
)
@click.option(
    "--max-rejects",
    type=RowLimitType(),
    default=MAX_REJECTS,
    show_default="the larger of 10 and 1%",
    help="Publish only if no file has more rejected rows than this: a number, or N% of its rows.",
)
@click.option(
    "--max-shrink",
    type=RowLimitType(),
    help="Publish only if no table has lost more rows than this since the load before, so that a "
    "file that was cut short is not published: a number, or N% of its rows. Not with upsert.",
)
@click.option(
    "--report",
    type=FOLDER,
    default=Path("."),
    show_default="here",
    help="Folder in which rejects.csv and rejects/ are written anew.",
)
@click.option("--quiet", is_flag=True, help="Show no progress; the summary is still printed.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print the summary as JSON, also of a load that fails."
)
def load(
    folder: Path,
    mode: str,
    max_rejects: RowLimit,
    max_shrink: RowLimit | None,
    report: Path,
    quiet: bool,
    as_json: bool,
) -> None:
    """Load the six CSV files of FOLDER and publish them.

    The new catalogue is built beside the one that is served and takes its place in one
    transaction: readers see the old one or the new one. Lines that cannot be loaded are
    rejected, listed in rejects.csv with the reason, and kept in rejects/ to be mended.

    With --mode upsert FOLDER has only changed rows, in one or more of the files: known ids get new
    values, new ones are added, and a last column `deleted` marks rows to remove.

    The exit status is 0 only if the catalogue was published.
    """
    if max_shrink and mode == "upsert":
        raise click.UsageError(
            "--max-shrink is for whole loads: an upsert removes only rows marked `deleted`."
        )
    outcome = Outcome(folder)
    error = None
    try:
        with etl_database() as url:
            arguments = url, outcome, report, max_rejects, choose_progress(quiet)
            if mode == "upsert":
                run_upsert(*arguments)
            else:
                run_load(*arguments, max_shrink=max_shrink)
    except BaseException as caught:
        error = caught
        if isinstance(caught, click.ClickException):
            caught.message += f"\n{_tell_outcome(outcome)}"
        else:
            click.echo(_tell_outcome(outcome), err=True)
        raise
    finally:
        _print(_as_json(outcome, mode, report, error) if as_json else _as_text(outcome, report))
    if outcome.trouble:
        with suppress(OSError):  # the trouble may be that nobody reads it
            click.echo(f"{outcome.trouble}\n{_tell_outcome(outcome)}", err=True)


def _tell_outcome(outcome: Outcome) -> str:
    """Return what the served catalogue is after a load in which something went wrong."""
    if outcome.published is None:
        return (
            f"Whether it was published as load {outcome.number} could not be found out: "
            "`flask etl history` tells, once the database answers."
        )
    if outcome.published:
        return f"The catalogue was published all the same, as load {outcome.number}."
    return "The catalogue is as it was."


def _tell_end(error: BaseException) -> str:
    """Return what ended a load that no error of its own did."""
    if isinstance(error, KeyboardInterrupt):
        return "stopped by SIGINT"
    if isinstance(error, SystemExit) and isinstance(error.code, int) and error.code > 128:
        return f"stopped by {signal.Signals(error.code - 128).name}"
    return repr(error)


def _as_json(outcome: Outcome, mode: str, report: Path, error: BaseException | None) -> str:
    summary = {
        "published": outcome.published,
        "number": outcome.number if outcome.published else None,
        "digest": outcome.digest if outcome.published else None,
        "mode": mode,
        "error": outcome.trouble,
        "rejects": written(report / "rejects.csv") if _has_rejects(outcome) else None,
    }
    if error is not None:
        message = error.message if isinstance(error, click.ClickException) else _tell_end(error)
        summary["error"] = written(message)
    return json.dumps(summary | summarise(outcome))


def _as_text(outcome: Outcome, report: Path) -> str:
    lines = list(table_lines(summarise(outcome)))
    if _has_rejects(outcome):
        listed = click.format_filename(report / "rejects.csv")
        lines.append(f"Repaired and rejected lines: {listed}")
    if outcome.published:
        lines.append(f"Published as load {outcome.number}, digest {outcome.digest}.")
    return "\n".join(lines)


def _has_rejects(outcome: Outcome) -> bool:
    return any(tally.rejected or tally.repaired for tally in outcome.tallies.values())


def _print(summary: str) -> None:
    """Print on standard output; the load is none the worse where nobody reads that."""
    if not summary:
        return
    try:
        click.echo(summary)
    except OSError as error:
        with suppress(OSError):  # it may go where the summary did
            click.echo(f"The summary could not be printed: {error.strerror}.\n{summary}", err=True)
        # What is left in the buffer would be written, and fail, once more at the end.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
