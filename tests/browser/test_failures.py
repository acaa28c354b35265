"""When an answer does not come: what the visitor is told, and the way on."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.catalogue import CAMO
from tests.browser.locators import choose, heading, leave_by, search_box
from tests.browser.visit import Opener, Visit
from tests.conftest import Database
from tests.sessions import catalogue_locked, count_waiting
from tests.system.service import Service, serving
from tests.waiting import wait_for


def test_product_that_is_not_there(visit: Opener) -> None:
    shop = visit("/")
    shop.excuse("/products/4000000?")
    shop.go("/?product=4000000")
    expect(heading(shop.page)).to_have_text("There is no such product")
    expect(shop.page.get_by_role("alert")).to_contain_text("Error 404")
    expect(shop.page.get_by_role("button", name="Try again")).to_have_count(0)
    shop.page.get_by_role("main").get_by_role("link", name="All products").click()
    expect(heading(shop.page)).to_have_text("The catalogue")


@pytest.mark.parametrize(
    "product", ["", "0", "01", "1/styles", "..", "1%3Fx=1", "99999999999", "é"]
)
def test_what_cannot_be_an_id_is_not_asked_for(visit: Opener, product: str) -> None:
    shop = visit(f"/?product={product}")
    expect(heading(shop.page)).to_have_text("There is no such product")
    assert shop.api_requests() == []


def test_bad_page_number_is_told(visit: Opener) -> None:
    shop = visit("/")
    shop.excuse("/products?page=x")
    shop.go("/?page=x")
    expect(heading(shop.page)).to_have_text("This address is not valid")
    expect(shop.page.get_by_role("alert")).to_contain_text("page must be a whole number")


def test_without_a_connection_and_with_it_again(visit: Opener) -> None:
    shop = visit("/")
    shop.excuse("/products/")
    shop.excuse("/static/shop/icon.svg")
    shop.context.set_offline(True)
    shop.page.get_by_role("link", name="Camo Onesie").click()
    expect(heading(shop.page)).to_have_text("No connection")
    expect(shop.page).to_have_url(f"{shop.url}/?product={CAMO}")
    shop.page.get_by_role("button", name="Try again").click()
    expect(heading(shop.page)).to_have_text("No connection")
    # the browser says when it is online, nobody has to press anything
    shop.context.set_offline(False)
    expect(heading(shop.page)).to_have_text("Camo Onesie")


def test_a_browser_that_is_too_old_is_not_told_that_it_is_offline(visit: Opener) -> None:
    shop = visit("/")
    shop.page.evaluate("delete AbortSignal.any")
    shop.page.get_by_role("link", name="Camo Onesie").click()
    expect(heading(shop.page)).to_be_visible()
    expect(shop.page.get_by_role("alert")).not_to_contain_text("online")
    expect(heading(shop.page)).not_to_have_text("No connection")
    # what the console tells who is to find out
    assert set(shop.complaints) == {"uncaught: AbortSignal.any is not a function"}
    shop.complaints.clear()


def test_an_answer_of_something_else_can_be_asked_for_again(visit: Opener) -> None:
    shop = visit("/")
    where = f"**/products/{CAMO}?**"
    shop.page.route(where, lambda route: route.fulfill(body="<html>Log in to the network"))
    shop.page.get_by_role("link", name="Camo Onesie").click()
    expect(heading(shop.page)).to_have_text("Something went wrong")
    # which alone is read aloud again while its button counts seconds
    alert = shop.page.get_by_role("alert")
    expect(alert).to_contain_text("The shop gave an answer that makes no sense.")
    expect(alert.get_by_role("button")).to_have_count(0)
    shop.page.unroute(where)
    shop.page.evaluate(
        "() => { const ask = fetch; fetch = (path, how) => ask(path, (window.asked = how)); }"
    )
    shop.page.get_by_role("button", name="Try again").click()
    expect(heading(shop.page)).to_have_text("Camo Onesie")
    # not from what the browser may have kept of it
    assert shop.page.evaluate("asked.cache") == "reload"


def test_who_tries_again_is_where_the_page_was_left(visit: Opener) -> None:
    shop = visit("/", width=390)
    page = shop.page
    left_at = leave_by(page, "Camo Onesie", 400)
    expect(heading(page)).to_have_text("Camo Onesie")
    where = "**/products?count=24"
    page.route(where, lambda route: route.fulfill(body="<html>Log in to the network"))
    page.evaluate("history.back()")
    expect(heading(page)).to_have_text("Something went wrong")
    page.unroute(where)
    search_box(page).press_sequentially("x")
    page.get_by_role("button", name="Try again").press("Enter")
    expect(heading(page)).to_have_text("The catalogue")
    # to be read next, although something has been typed meanwhile
    expect(heading(page)).to_be_focused()
    expect(search_box(page)).to_have_value("x")
    assert page.evaluate("scrollY") == left_at


@pytest.mark.parametrize(("page", "module"), [("/", "shop/format.js"), ("/docs", "docs/json.js")])
def test_a_script_that_does_not_come_is_told(visit: Opener, page: str, module: str) -> None:
    shop = visit(page)
    shop.excuse(f"/static/{module}")
    shop.excuse(page)
    shop.page.route(f"**/static/{module}", lambda route: route.abort())
    shop.page.goto(shop.url + page)
    link = shop.page.get_by_role("link", name="load the page again")
    expect(link).to_be_visible()
    shop.page.unroute(f"**/static/{module}")
    link.click()
    expect(heading(shop.page)).to_be_visible()


def test_a_description_that_does_not_come_can_be_asked_for_again(visit: Opener) -> None:
    shop = visit("/docs")
    shop.excuse("/openapi.json")
    shop.excuse("/docs")
    shop.page.route("**/openapi.json", lambda route: route.fulfill(status=503))
    shop.page.goto(f"{shop.url}/docs")
    expect(shop.page.get_by_role("alert")).to_contain_text("503")
    shop.page.unroute("**/openapi.json")
    shop.page.get_by_role("link", name="Load the page again").click()
    expect(shop.page.get_by_role("heading", name="Errors")).to_be_visible()


def test_suggestions_that_fail_do_no_harm(visit: Opener) -> None:
    shop = visit(f"/?product={CAMO}")
    shop.excuse("/products?q=")
    shop.context.set_offline(True)
    with shop.page.expect_event("requestfailed"):
        search_box(shop.page).press_sequentially("camo")
    expect(heading(shop.page)).to_have_text("Camo Onesie")
    expect(search_box(shop.page)).to_have_attribute("aria-expanded", "false")


@pytest.fixture
def narrow_shop(shop: Service, shop_database: Database) -> Iterator[Service]:
    """A service on the shop's catalogue with a single connection, which may be kept for long."""
    with serving(
        shop_database,
        DB_POOL_SIZE="1",
        GUNICORN_WORKERS="1",
        DB_STATEMENT_TIMEOUT_MS="50000",
        DB_DEADLINE_MS="60000",
    ) as service:
        yield service


def test_busy_service_says_when_to_come_back(
    browser: Browser, narrow_shop: Service, shop_database: Database
) -> None:
    shop = Visit(browser, narrow_shop.url, width=1280, scheme="light")
    shop.excuse("/products/")
    retry = shop.page.get_by_role("button", name="Try again")
    # opens the connection, which would not get through the lock
    assert narrow_shop.get("/products/2").status == 200
    with ExitStack() as lock:
        lock.enter_context(catalogue_locked(shop_database))
        with narrow_shop.asked(["/products/2"]):
            wait_for(lambda: count_waiting(shop_database) == 1)
            shop.go(f"/?product={CAMO}")
            expect(heading(shop.page)).to_have_text("The shop is not available right now")
            expect(shop.page.get_by_role("alert")).to_contain_text(
                "Every database connection is busy."
            )
            expect(retry).to_be_enabled()
            retry.click()
            expect(retry).to_have_text("Try again in 1 s")
            expect(retry).to_be_disabled()
            lock.close()
    expect(retry).to_be_enabled()
    retry.click()
    expect(heading(shop.page)).to_have_text("Camo Onesie")
    choose(shop.page, "Ocean Blue & Grey")
    shop.close()
    assert not shop.complaints
    assert not shop.strangers
