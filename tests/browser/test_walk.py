"""A customer's way through the shop, with the mouse and with the keyboard alone."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser.catalogue import CAMO, JOGGERS, OCEAN
from tests.browser.locators import choose, heading, option, outcome, price, search_box
from tests.browser.visit import Opener

PRODUCT = "/products/{}?include=styles,related"


def test_with_the_mouse(visit: Opener) -> None:
    shop = visit("/")
    page = shop.page
    expect(heading(page)).to_have_text("The catalogue")
    assert shop.api_requests() == ["/products?count=24"]

    search_box(page).press_sequentially("camo")
    option(page, "Camo Onesie").click()
    expect(heading(page)).to_have_text("Camo Onesie")
    expect(page).to_have_url(f"{shop.url}/?product={CAMO}")
    expect(page).to_have_title("Camo Onesie · Atelier")
    suggested, *made_of = shop.api_requests()
    assert suggested.startswith("/products?q=camo")
    assert made_of == [PRODUCT.format(CAMO)]
    expect(price(page)).to_have_text("$140")
    expect(page.get_by_role("radio", name="Forest Green & Black")).to_be_checked()
    # the first photo of the file is the one to show, not that of the lowest id
    expect(page.locator(".stage img")).to_have_attribute("src", f"{shop.url}/photos/2.svg")

    page.get_by_role("button", name="Next photo").click()
    expect(page.locator(".stage img")).to_have_attribute("src", f"{shop.url}/photos/1.svg")
    page.get_by_role("button", name="Previous photo").click(click_count=2)
    expect(page.locator(".counter")).to_have_text("3 / 3")
    choose(page, "Photo 1 of 3")
    expect(page.locator(".counter")).to_have_text("1 / 3")

    choose(page, "Ocean Blue & Grey")
    expect(price(page)).to_have_text("Sale price $100 Original price $140")
    expect(page.locator(".price-line s")).to_have_text("Original price $140")
    expect(page.get_by_role("status").first).to_have_text(re.compile("Choose a size|Ocean Blue"))
    expect(page.locator("#announcer")).to_have_text("Ocean Blue & Grey: $100, was $140")
    expect(page).to_have_url(f"{shop.url}/?product={CAMO}&style={OCEAN}")
    expect(page.locator(".stage img")).to_have_attribute("src", f"{shop.url}/photos/4.svg")

    expect(outcome(page)).to_have_text("Choose a size")
    expect(page.get_by_role("radio", name="S (out of stock)")).to_be_disabled()
    choose(page, "M")
    expect(outcome(page)).to_contain_text("Only 2 left")
    quantity = page.get_by_label("Quantity")
    expect(quantity.locator("option")).to_have_text(["1", "2"])
    quantity.select_option("2")
    expect(outcome(page)).to_contain_text("2 \N{MULTIPLICATION SIGN} M in Ocean Blue & Grey: $200")
    choose(page, "L")
    expect(quantity.locator("option")).to_have_count(15)
    # nothing of all this was worth a request to the API
    assert shop.api_requests() == []

    page.get_by_role("link", name="Morning Joggers").click()
    expect(heading(page)).to_have_text("Morning Joggers")
    expect(heading(page)).to_be_focused()
    assert page.evaluate("scrollY") == 0
    assert shop.api_requests() == [PRODUCT.format(JOGGERS)]

    page.go_back()
    expect(heading(page)).to_have_text("Camo Onesie")
    expect(page.get_by_role("radio", name="Ocean Blue & Grey")).to_be_checked()
    expect(price(page)).to_contain_text("$100")
    # the page is back where it was left
    expect(page.get_by_role("link", name="Morning Joggers")).to_be_in_viewport()
    page.go_back()
    expect(heading(page)).to_have_text("The catalogue")
    page.go_forward()
    expect(heading(page)).to_have_text("Camo Onesie")
    page.reload()
    expect(page.get_by_role("radio", name="Ocean Blue & Grey")).to_be_checked()
    expect(page.get_by_role("link", name="Morning Joggers")).to_be_in_viewport()
    page.go_back()
    expect(heading(page)).to_have_text("The catalogue")


def test_with_the_keyboard_alone(visit: Opener) -> None:
    page = visit("/").page

    def tab_to(target: Locator, key: str = "Tab") -> None:
        for _ in range(80):
            page.keyboard.press(key)
            assert is_focus_visible(page)
            if target.evaluate("node => node === document.activeElement"):
                return
        raise AssertionError(f"{key} never leads to {target}")

    tab_to(page.get_by_role("link", name="Skip to content"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")

    search = search_box(page)
    tab_to(search, "Shift+Tab")
    expect(search).to_have_attribute("aria-expanded", "false")
    page.keyboard.type("jo")
    expect(search).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("Escape")
    expect(search).to_have_attribute("aria-expanded", "false")
    expect(search).to_have_value("jo")
    page.keyboard.press("Control+A")
    page.keyboard.type("camo one")
    expect(option(page, "Camo Onesie")).to_be_visible()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowDown")
    expect(search).not_to_have_attribute("aria-activedescendant", re.compile("."))
    page.keyboard.press("ArrowDown")
    expect(option(page, "Camo Onesie")).to_have_attribute("aria-selected", "true")
    active = option(page, "Camo Onesie").get_attribute("id")
    expect(search).to_have_attribute("aria-activedescendant", str(active))
    page.keyboard.press("Enter")
    expect(heading(page)).to_have_text("Camo Onesie")
    expect(heading(page)).to_be_focused()

    counter = page.locator(".counter")
    tab_to(page.get_by_role("button", name="Next photo"), "Shift+Tab")
    page.keyboard.press("Enter")
    expect(counter).to_have_text("2 / 3")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(counter).to_have_text("1 / 3")
    expect(page.locator("#announcer")).to_have_text("Photo 1 of 3")
    page.keyboard.press("ArrowLeft")
    expect(counter).to_have_text("3 / 3")
    tab_to(page.get_by_role("radio", name="Photo 3 of 3"))
    page.keyboard.press("ArrowUp")
    expect(counter).to_have_text("2 / 3")

    tab_to(page.get_by_role("radio", name="Forest Green & Black"))
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="Ocean Blue & Grey")).to_be_focused()
    expect(price(page)).to_contain_text("$100")
    expect(page.locator("#announcer")).to_contain_text("$100")
    tab_to(page.get_by_role("radio", name="M", exact=True))
    page.keyboard.press("Space")
    tab_to(page.get_by_label("Quantity"))
    page.keyboard.press("ArrowDown")
    expect(outcome(page)).to_contain_text("2 \N{MULTIPLICATION SIGN} M in Ocean Blue & Grey: $200")

    tab_to(page.get_by_role("link", name="Bright Future Sunglasses"))
    page.keyboard.press("Enter")
    expect(heading(page)).to_have_text("Bright Future Sunglasses")
    page.go_back()
    expect(heading(page)).to_be_focused()
    expect(page.get_by_role("radio", name="Ocean Blue & Grey")).to_be_checked()


def is_focus_visible(page: Page) -> bool:
    """Whether what has the focus, or the label that stands for it, is outlined."""
    return page.evaluate(
        """() => {
          const focused = document.activeElement;
          const seen = focused.matches("[type=radio]") ? focused.parentNode : focused;
          const { outlineStyle, outlineWidth } = getComputedStyle(seen);
          return focused === document.body || (outlineStyle !== "none" && outlineWidth !== "0px");
        }"""
    )
