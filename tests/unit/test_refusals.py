"""What is logged of a request that the HTTP parser refuses, or that fails below the application."""

import json
import logging
import socket

import pytest

from products_service.serving.refusals import write_problem
from products_service.web.headers import ANY_ORIGIN, completion


@pytest.mark.parametrize(
    ("status", "level"), [(400, logging.INFO), (501, logging.INFO), (500, logging.ERROR)]
)
def test_a_refusal_is_logged_with_the_id_that_the_client_is_told(
    caplog: pytest.LogCaptureFixture, status: int, level: int
) -> None:
    caplog.set_level(logging.INFO)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        write_problem(completion(ANY_ORIGIN), ours, status, "", "")
        ours.close()
        answer = theirs.makefile("rb").read()
    problem = json.loads(answer.partition(b"\r\n\r\n")[2])
    (record,) = caplog.records
    assert (record.levelno, record.status) == (level, status)
    assert problem["instance"] == f"urn:request:{record.request_id}"
