"""How a program that another one has started comes to its end."""

import signal
import subprocess

from products_service.signals import end
from tests.servers import alive
from tests.waiting import HANG, wait_for


def started(script: str) -> tuple[subprocess.Popen[str], int]:
    """Return a shell that runs this, and the process whose number it has said."""
    process = subprocess.Popen(
        ["sh", "-c", script], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    return process, int(process.stdout.readline())


def test_it_ends_in_order_if_it_does() -> None:
    # KILL: a shell's child that has not become `sleep` yet may lose a TERM
    process, asleep = started("trap 'kill -KILL $!; exit 3' TERM; sleep 600 & echo $!; wait")
    with process:
        end(process, HANG)
    assert process.returncode == 3
    wait_for(lambda: not alive(asleep))


def test_what_does_not_is_made_to_with_all_that_it_has_started() -> None:
    process, asleep = started("trap '' TERM; sleep 600 & echo $!; wait")
    with process:
        end(process, 0.1)
    assert process.returncode == -signal.SIGKILL
    wait_for(lambda: not alive(asleep))
