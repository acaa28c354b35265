"""What stops a command of the etl: the message is for the person who ran it."""


class EtlError(Exception):
    """The command cannot go on; whatever catalogue was served still is."""
