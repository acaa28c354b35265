"""`flask config`: the settings that are in force, and where each comes from."""

import json
import os
import re
from urllib.parse import unquote

import click
from marshmallow import fields
from marshmallow.validate import Range

from products_service.config import SettingsSchema, find_misspelt, load_settings
from products_service.plainly import plainly

HIDDEN = "***"
# As libpq finds them: urllib.parse splits at `#`, `?` and `[` in a password too.
LOGIN = re.compile(r"(postgres(?:ql)?://[^:@/]*)(:[^@/]*)?@")
# What of a URL's query may be shown: whatever else is there may be a secret, or a misspelt one.
SHOWN = {
    "application_name",
    "channel_binding",
    "connect_timeout",
    "dbname",
    "gssencmode",
    "host",
    "hostaddr",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "load_balance_hosts",
    "options",
    "port",
    "sslmode",
    "sslrootcert",
    "target_session_attrs",
    "tcp_user_timeout",
    "user",
}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, by setting.")
@click.option("--describe", is_flag=True, help="Print what each setting means, and its default.")
@plainly()
def config(as_json: bool, describe: bool) -> None:
    """Print the settings that are in force.

    Each with its value and where that comes from. Passwords are hidden. A variable of the
    environment that looks like a setting and is none is named on standard error. The exit status is
    2 if a setting is not valid.
    """
    schema = SettingsSchema()
    if as_json and describe:
        raise click.UsageError("--json and --describe exclude each other")
    if describe:
        for name, default in schema.dump(load_settings({})).items():
            setting = schema.fields[name]
            click.echo(f"{name} (default: {text(default)}{limits(setting)})")
            click.echo(f"{meaning(setting)}\n")
        return
    values = schema.dump(load_settings())
    for sentence in find_misspelt(os.environ):
        click.echo(f"Warning: {sentence}", err=True)
    settings = {
        name: {
            "value": hide(value) if schema.fields[name].metadata.get("secret") else value,
            "source": "environment" if os.environ.get(name) else "default",
        }
        for name, value in values.items()
    }
    if as_json:
        click.echo(json.dumps(settings))
        return
    width = max(map(len, settings))
    for name, setting in settings.items():
        click.echo(f"{name:<{width}}  {setting['source']:<11}  {text(setting['value'])}")


def meaning(setting: fields.Field) -> str:
    """Return what a setting means, in lines of at most 80 characters."""
    description = setting.metadata["description"]
    return click.wrap_text(description, 80, initial_indent="    ", subsequent_indent="    ")


def limits(setting: fields.Field) -> str:
    """Return the least and the most that a number may be, if it is one."""
    return "".join(
        f"; {each.min} to {each.max}" for each in setting.validators if isinstance(each, Range)
    )


def text(value: object) -> str:
    """Return a value as the environment has it, but for bytes that are no text."""
    if value is None:
        return "(not set)"
    return click.format_filename(value) if isinstance(value, str) else json.dumps(value)


def hide(url: str | None) -> str | None:
    """Return a URL that check_libpq_url has let pass without its secrets."""
    if url is None:
        return None
    login, rest = "", url
    if found := LOGIN.match(url):
        login = f"{found[1]}:{HIDDEN}@" if found[2] else found[0]
        rest = url[found.end() :]
    before, question, query = rest.partition("?")
    return login + before + question + "&".join(map(hide_pair, query.split("&")))


def hide_pair(pair: str) -> str:
    """Return a name=value of a URL's query, without a value that may be secret."""
    name, equals, _ = pair.partition("=")
    return pair if not equals or unquote(name) in SHOWN else f"{name}={HIDDEN}"
