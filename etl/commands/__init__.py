"""flask etl: load, verify, generate, history, index."""

import click

from etl.commands.generate import generate
from etl.commands.history import history
from etl.commands.index import index
from etl.commands.load import load
from etl.commands.verify import verify


@click.group()
def etl() -> None:
    """Load, compare and generate catalogues."""


for _command in (load, verify, generate, history, index):
    etl.add_command(_command)
