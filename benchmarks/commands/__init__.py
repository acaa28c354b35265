"""flask bench: measures the service and what it stands on."""

import click

from benchmarks.commands.database import index, load
from benchmarks.commands.process import features, quick
from benchmarks.commands.report import report
from benchmarks.commands.service import growth, include, page, peers, pool, rate, styles


@click.group()
def bench() -> None:
    """Measure the service and what it stands on.

    Figures mean something only on a machine that does nothing else.
    """


MEASURES = (index, load, features, quick, styles, page, peers, include, pool, rate, growth)
for command in (*MEASURES, report):
    bench.add_command(command)
