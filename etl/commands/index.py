"""flask etl index: which indexes there are, what they are for, and the catalogue without them."""

import json
import time
from collections.abc import Callable
from contextlib import closing

import click

from etl.commands.database import etl_database
from etl.connection import Connection
from etl.indexes import (
    Index,
    build_index,
    choose_indexes,
    drop_index,
    list_indexes,
)
from etl.load_lock import take_load_lock


@click.group()
def index() -> None:
    """List, drop and build the served catalogue's indexes.

    A whole load makes the keys and builds all indexes anew, whatever was dropped.
    """


@index.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object an index.")
def list_(as_json: bool) -> None:
    """List every index: its table, size, use, state, and what it is for.

    Scans are counted since the index was built or the server's statistics were reset.
    """
    with etl_database() as url, closing(Connection(url)) as connection:
        states = list_indexes(connection)
        if as_json:
            for state in states:
                click.echo(json.dumps(vars(state)))
            return
        width = max(len(state.name) for state in states)
        form = f"{{:<{width}}}  {{:<16}}{{:>10}}{{:>12}}  {{:<10}}{{}}"
        click.echo(form.format("index", "table", "size", "scans", "state", "what it is for"))
        for state in states:
            figures = (
                (_human(state.size), f"{state.scans:,}") if state.size is not None else ("-", "-")
            )
            click.echo(form.format(state.name, state.table, *figures, state.state, state.purpose))


def _human(size: int) -> str:
    return f"{size / 2**20:,.1f} MB" if size >= 2**20 else f"{size / 2**10:,.0f} kB"


@index.command()
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--yes", is_flag=True, help="Do not ask.")
def drop(names: tuple[str, ...], yes: bool) -> None:
    """Drop indexes of the catalogue that is served.

    Those that are named, or all of them; keys stay. The service goes on with right answers, but
    slow ones: on a large catalogue most requests run into their time limit. `flask etl index build`
    and the next whole load bring them back.
    """
    with etl_database() as url:
        chosen = choose_indexes(names)
        if not yes:
            click.confirm(
                "The service becomes slow without them, up to a timeout (504) for most requests. "
                f"Drop {', '.join(each.name for each in chosen)}?",
                abort=True,
                err=True,
            )
        _change(url, chosen, drop_index, "missing", ("dropping", "dropped", "is missing already"))


@index.command()
@click.argument("names", metavar="[NAME]...", nargs=-1)
def build(names: tuple[str, ...]) -> None:
    """Build indexes of the catalogue that is served.

    Those that are named, or all that are missing. Readers go on meanwhile; loads are refused until
    it is done.
    """
    with etl_database() as url:
        chosen = choose_indexes(names)
        _change(url, chosen, build_index, "valid", ("building", "built", "is there already"))


def _change(
    url: str,
    chosen: list[Index],
    change: Callable[[Connection, Index], None],
    wanted: str,
    words: tuple[str, str, str],
) -> None:
    """Do it to those of the indexes that are in another state, and say of each what was done.

    One after the other under the lock of loads, which is not needed where nothing is to be done.
    """
    doing, done, needless = words
    with closing(Connection(url)) as connection:
        states = _states(connection, chosen)
        if not all(state == wanted for state in states):
            take_load_lock(connection)
            states = _states(connection, chosen)
        for each, state in zip(chosen, states, strict=True):
            if state == wanted:
                click.echo(f"{each.name} {needless}")
                continue
            click.echo(f"{doing} {each.name} on {each.table} ...", err=True)
            started = time.monotonic()
            change(connection, each)
            click.echo(f"{each.name} {done}, {time.monotonic() - started:.1f} s")


def _states(connection: Connection, chosen: list[Index]) -> list[str]:
    states = {each.name: each.state for each in list_indexes(connection)}
    return [states[index.name] for index in chosen]
