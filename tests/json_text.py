"""JSON as text: what a body looks like is promised, and not only what it means."""

import re


def compact(text: str) -> str:
    """Return JSON text without the white space between its tokens."""
    return "".join(re.findall(r'"(?:[^"\\]|\\.)*"|[^\s"]+', text))
