"""What is left out of Flask and prometheus_client is not missed where somebody asks for it."""

from collections.abc import Callable
from io import BytesIO

import pytest
from flask import Request, current_app, has_app_context
from prometheus_client import CollectorRegistry, generate_latest
from werkzeug.test import EnvironBuilder

from products_service.ops.metrics import SECONDS, Durations
from products_service.web.application import Application, LeanRequest

SENT = {
    "plain": EnvironBuilder("/products/1?count=2"),
    "below": EnvironBuilder("/\u00e4//b", "https://shop.example:8443/below/"),
    "body": EnvironBuilder("/", method="post", data={"a": "b"}),
    "fields": EnvironBuilder("/", headers={"If-None-Match": '"a", W/"b"', "Cookie": "a=b"}),
}
ASKED = """
    scheme server root_path path headers remote_addr method query_string url full_path host args
    is_secure cookies if_none_match accept_encodings content_length mimetype shallow access_route
"""


@pytest.mark.parametrize("sent", SENT)
@pytest.mark.parametrize("name", ASKED.split())
def test_a_request_has_what_werkzeug_s_has(name: str, sent: str) -> None:
    environ = SENT[sent].get_environ()
    expected, found = (getattr(kind(dict(environ)), name) for kind in (Request, LeanRequest))
    assert repr(found) == repr(expected)


def test_a_request_has_nothing_else() -> None:
    request = LeanRequest(SENT["plain"].get_environ())
    with pytest.raises(AttributeError, match="a request has no 'sheme'"):
        _ = request.sheme
    assert request.environ["werkzeug.request"] is request


def test_files_that_somebody_looked_at_are_closed() -> None:
    sent = EnvironBuilder("/", method="POST", data={"file": (BytesIO(b"text"), "a.txt")})
    with LeanRequest(sent.get_environ()) as request:
        stream = request.files["file"].stream
        assert stream.read() == b"text"
    assert stream.closed


def test_requests_of_one_application_do_not_see_the_context_of_another() -> None:
    def answer(app: Application) -> str:
        return app.test_client().get("/").text

    apps = [Application(name) for name in ("one", "two")]
    for app in apps:
        app.add_url_rule("/", view_func=lambda: current_app.name)
    assert [answer(app) for app in [*apps, *apps]] == ["one", "two"] * 2
    assert has_app_context()  # the first one's, which stays


# sums of these are exact: from Python 3.12 on, sum() rounds once and not with each
@pytest.mark.parametrize("seconds", [[], [0.25], [0.0, 2**-10, 0.25, 0.25, 2.5, 2.625, 2**30]])
def test_durations_are_counted_at_one_go_as_one_by_one(seconds: list[float]) -> None:
    def exposed(count: Callable[[Durations], None]) -> list[bytes]:
        registry = CollectorRegistry()
        count(Durations("seconds", "Some.", ["of"], buckets=SECONDS, registry=registry).labels("a"))
        lines = generate_latest(registry).splitlines()
        return [line for line in lines if b"_created" not in line]

    def one_by_one(histogram: Durations) -> None:
        for each in seconds:
            histogram.observe(each)

    assert exposed(lambda histogram: histogram.observe_all(seconds)) == exposed(one_by_one)
