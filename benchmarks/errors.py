"""What goes wrong with a benchmark itself."""


class BenchmarkError(Exception):
    """There is nothing to measure, or it cannot be measured now; the message tells."""
