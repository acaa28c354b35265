"""Percentiles."""

import math
from collections.abc import Sequence


def percentile(times: Sequence[float], share: float) -> float:
    """Return the least of some sorted times that so large a share of them does not exceed."""
    return times[math.ceil(share * len(times)) - 1]
