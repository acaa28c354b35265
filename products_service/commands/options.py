"""Options that commands share."""

from pathlib import Path

import click

directory_option = click.option(
    "--directory",
    type=click.Path(path_type=Path),
    default="migrations",
    show_default=True,
    help="Folder of the migrations.",
)
