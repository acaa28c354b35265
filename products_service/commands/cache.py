"""`flask cache`: the balancer's cache of answers."""

import click

from products_service.cluster.layout import nginx_folder
from products_service.cluster.nginx import refresh_cache
from products_service.config import load_settings
from products_service.plainly import plainly


@click.group()
def cache() -> None:
    """The balancer's cache of answers."""


@cache.command()
@plainly()
def refresh() -> None:
    """Have the cluster's nginx show the newest load at once.

    By itself its cache shows a new load after 42 seconds at most. Every answer is asked of the
    hosts once more; clients that keep a connection to nginx have to open a new one.
    """
    refresh_cache(nginx_folder(load_settings()))
    click.echo("the cache begins anew")
