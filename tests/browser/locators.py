"""What a customer looks for on a page of the shop."""

from playwright.sync_api import Locator, Page


def heading(page: Page) -> Locator:
    return page.get_by_role("heading", level=1)


def search_box(page: Page) -> Locator:
    return page.get_by_role("combobox", name="Search products")


def price(page: Page) -> Locator:
    return page.locator(".price-line .price")


def outcome(page: Page) -> Locator:
    return page.locator("output")


def option(page: Page, name: str) -> Locator:
    return page.get_by_role("option").filter(has_text=name)


def choose(page: Page, name: str) -> None:
    """Click on what stands for a radio button."""
    page.locator("label").filter(has=page.get_by_role("radio", name=name, exact=True)).click()


def leave_by(page: Page, name: str, top: int) -> int:
    """Scroll down about so many pixels, click on a link, and return how many it were in the end."""
    page.evaluate(f"scrollTo(0, {top})")
    link = page.get_by_role("link", name=name)
    link.scroll_into_view_if_needed()
    left_at = page.evaluate("scrollY")
    assert left_at > 0
    link.click()
    return left_at
