"""The extras of setup.cfg: what is installed only where it is needed."""


def how_to_install(extra: str) -> str:
    """Return the command that installs an extra, as part of a message on what is missing."""
    return f"`pip install -c constraints.txt -e '.[{extra}]'` in the checkout"
