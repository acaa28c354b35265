"""flask etl: load, verify, generate, history, index."""

import io
import sys

import click

from etl.commands.generate import generate
from etl.commands.history import history
from etl.commands.index import index
from etl.commands.load import load
from etl.commands.verify import verify


@click.group()
def etl() -> None:
    """Load, compare and generate catalogues."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # a folder's name may have letters that the terminal or file cannot show
        sys.stdout.reconfigure(errors="backslashreplace")


for _command in (load, verify, generate, history, index):
    etl.add_command(_command)
