"""What stops a command of the etl: the message is for the person who ran it."""


class EtlError(Exception):
    """The command cannot go on; whatever catalogue was served still is."""


class LoadError(EtlError):
    """The load was not published; the catalogue that was served before still is."""
