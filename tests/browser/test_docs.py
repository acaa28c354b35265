"""The page of the API's description: shows every operation, and tries them out."""

import json

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from tests.browser.catalogue import CAMO
from tests.browser.visit import Opener
from tests.json_text import compact
from tests.system.service import Service


def trial(page: Page, operation: str) -> Locator:
    return page.locator(f"#{operation} form")


def send(form: Locator) -> Locator:
    """Send the form and return what it shows of the answer."""
    form.get_by_role("button", name="Send").click()
    outcome = form.locator(".outcome")
    expect(form.get_by_role("status").locator(".status")).to_be_visible()
    return outcome


def test_every_operation_is_shown(visit: Opener, shop: Service) -> None:
    document = json.loads(shop.get("/openapi.json").body)
    page = visit("/docs").page
    expect(page).to_have_title("Products API")
    for path, methods in document["paths"].items():
        for method in ("get", "head", "options"):
            operation = methods[method]
            section = page.locator(f"#{operation['operationId']}")
            expect(section.locator(f".verb.{method}").first).to_have_text(method.upper())
            expect(section.locator("code").first).to_have_text(path)
            assert operation["summary"] in section.inner_text()
            if method != "get":
                section.locator("summary").first.click()
            statuses = section.locator("> .answers > details > summary > .status")
            expect(statuses).to_have_text(list(operation["responses"]))


def test_what_is_folded_unfolds(visit: Opener) -> None:
    page = visit("/docs").page
    listing = page.locator("#listProducts")
    expect(property_of(listing, "count")).to_contain_text("integer, 1 to 1000")
    expect(property_of(listing, "default_price")).to_contain_text("string")
    answer = page.locator("#getProduct")
    expect(property_of(answer, "styles")).to_contain_text("array of Style may be missing")
    expect(property_of(answer, "skus")).to_have_count(0)
    answer.locator("summary").filter(has_text="Style").click()
    expect(property_of(answer, "skus")).to_contain_text("object of Sku")
    answer.locator("summary").filter(has_text="Sku").click()
    expect(property_of(answer, "quantity")).to_contain_text("integer or null, 0 to 2147483647")
    answer.locator("summary").filter(has_text="404").click()
    expect(property_of(answer, "instance")).to_be_visible()
    expect(answer.locator("pre").filter(has_text="urn:problem-type:not-found")).to_be_visible()


def test_a_status_of_several_kinds_has_the_properties_of_all(visit: Opener) -> None:
    listing = visit("/docs").page.locator("#listProducts")
    answers = listing.locator("> .answers > details")
    for status, kinds in (("400", "InvalidParameters or Problem"), ("503", "Problem")):
        answer = answers.filter(has=listing.page.locator(f".status:text-is('{status}')"))
        answer.locator("summary").first.click()
        expect(answer.locator("> .type")).to_have_text(f"application/problem+json: {kinds}")
        expect(property_of(answer, "instance")).to_have_text("instance string")
    # of all kinds of 400, one has it
    expect(property_of(listing, "errors")).to_contain_text("may be missing")


def property_of(section: Locator, name: str) -> Locator:
    """Return where the section says what the property or parameter is."""
    return section.locator("dt").filter(has=section.page.locator(f"code:text-is('{name}')"))


def test_an_operation_is_tried_out(visit: Opener) -> None:
    docs = visit("/docs")
    form = trial(docs.page, "getStyles")
    form.get_by_label("product_id").fill(str(CAMO))
    outcome = send(form)
    path = f"/products/{CAMO}/styles"
    expect(outcome).to_contain_text(f"curl --compressed -i '{docs.url}{path}'")
    expect(outcome.locator(".status")).to_have_text("200")
    expect(outcome).to_contain_text("x-request-id: ")
    # as it came, skus in the order of their file: JavaScript's objects would sort them
    shown = outcome.locator(".body").inner_text()
    assert compact(shown) == compact(docs.page.request.get(docs.url + path).text())
    assert shown.index('"102"') < shown.index('"101"')

    form.get_by_label("If-None-Match").fill("*")
    send(form)
    expect(outcome.locator(".status")).to_have_text("304")
    expect(outcome.locator(".body")).to_have_count(0)

    form.get_by_label("If-None-Match").fill("")
    form.get_by_label("Method").select_option("HEAD")
    send(form)
    expect(outcome.locator(".status")).to_have_text("200")
    expect(outcome).to_contain_text(f"curl --compressed -I '{docs.url}{path}'")
    expect(outcome.locator(".body")).to_have_count(0)


def test_the_query_and_its_errors_are_tried_out(visit: Opener) -> None:
    docs = visit("/docs")
    docs.excuse("/products?page=0")
    form = trial(docs.page, "listProducts")
    form.get_by_label("ids").fill("3,1")
    outcome = send(form)
    expect(outcome).to_contain_text(f"'{docs.url}/products?ids=3,1'")
    assert [product["id"] for product in json.loads(outcome.locator(".body").inner_text())] == [
        3,
        1,
    ]
    form.get_by_label("ids").fill("")
    form.get_by_label("page").fill("0")
    form.get_by_label("page").press("Enter")
    expect(outcome.locator(".status")).to_have_text("400")
    expect(outcome.locator(".body")).to_contain_text("urn:problem-type:invalid-parameter")


def test_the_address_leads_to_an_operation(visit: Opener) -> None:
    page = visit("/docs#getRelated").page
    expect(page.locator("#getRelated h3")).to_be_in_viewport()
    page.get_by_role("navigation").get_by_text("/metrics").click()
    expect(page.locator("#showMetrics h3")).to_be_in_viewport()


def test_the_address_unfolds_an_operation(visit: Opener) -> None:
    page = visit("/docs#getProductHead").page
    answers = page.locator("#getProductHead").get_by_text("304").first
    expect(answers).to_be_visible()
    page.evaluate("location.hash = 'getStylesHead'")
    expect(page.locator("#getStylesHead").get_by_text("304").first).to_be_visible()


def test_what_cannot_be_sent_is_said(visit: Opener) -> None:
    form = trial(visit("/docs").page, "getProduct")
    for value, said in (
        ("..", "A browser would ask for / instead."),
        ("\ud800", "This cannot be part of an address"),
    ):
        field = form.get_by_label("product_id")
        field.evaluate("(node, value) => (node.value = JSON.parse(value))", json.dumps(value))
        form.get_by_role("button", name="Send").click()
        expect(form.get_by_role("status")).to_contain_text(said)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390, 320])
def test_page_fits_and_is_accessible(visit: Opener, width: int, scheme: str) -> None:
    docs = visit("/docs", width=width, scheme=scheme)
    page = docs.page
    docs.screenshot("docs", whole=False)
    page.get_by_role("navigation").get_by_text("/products/{product_id}", exact=True).click()
    operation = page.locator("#getProduct")
    operation.locator("summary").filter(has_text="Style").click()
    docs.screenshot("docs-operation", whole=False)
    for name in ("Sku", "404"):
        operation.locator("summary").filter(has_text=name).click()
    page.locator("#getProductHead summary").first.click()
    send(trial(page, "getProduct"))
    docs.screenshot("docs-trial", whole=False)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    violations = Axe().run(page).response["violations"]
    assert not [
        (violation["id"], node["html"], node["failureSummary"])
        for violation in violations
        for node in violation["nodes"]
    ]
