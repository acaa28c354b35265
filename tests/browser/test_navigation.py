"""From page to page: lists, searches, links, and what is done while a page is on its way."""

import re

from playwright.sync_api import Page, Route, expect

from tests.browser.catalogue import CAMO, JOGGERS, SHADES
from tests.browser.locators import choose, heading, leave_by, option, search_box
from tests.browser.visit import Opener


def test_pages_of_the_list(visit: Opener) -> None:
    shop = visit("/")
    page = shop.page
    cards = page.locator(".grid .card")
    expect(cards).to_have_count(24)
    expect(page.get_by_role("link", name="Previous")).to_have_count(0)
    page.get_by_role("link", name="Next").click()
    expect(cards).to_have_count(23)
    expect(page.get_by_role("link", name="Next")).to_have_count(0)
    shared = page.url
    page.get_by_role("link", name="Previous").click()
    expect(cards).to_have_count(24)
    shop.go(shared.removeprefix(shop.url))
    expect(cards).to_have_count(23)


def test_search_results_and_categories(visit: Opener) -> None:
    shop = visit("/")
    page = shop.page
    search = search_box(page)
    search.fill("sunglasses")
    search.press("Enter")
    expect(heading(page)).to_have_text("Results for “sunglasses”")
    expect(page).to_have_url(f"{shop.url}/?q=sunglasses")
    expect(page.locator("#announcer")).to_have_text("1 product on this page")
    page.get_by_role("link", name="Bright Future Sunglasses").click()
    expect(heading(page)).to_have_text("Bright Future Sunglasses")
    expect(page).to_have_url(f"{shop.url}/?product={SHADES}")
    expect(search).to_have_value("")
    page.get_by_role("link", name="Accessories").click()
    expect(heading(page)).to_have_text("Accessories")
    expect(page.locator(".grid .card")).to_have_count(1)
    page.get_by_role("link", name="All products").click()
    page.get_by_role("navigation", name="Categories").get_by_role("link", name="Shirts").click()
    expect(heading(page)).to_have_text("Shirts")
    expect(page.locator(".grid .card")).to_have_count(24)

    search.fill("zzzz nothing like it")
    search.press("Enter")
    expect(page.locator(".nothing")).to_be_visible()
    expect(page.get_by_role("link", name="All products")).to_be_visible()


def test_a_choice_does_not_move_the_page(visit: Opener) -> None:
    page = visit(f"/?product={CAMO}", width=390).page
    page.get_by_label("Quantity").scroll_into_view_if_needed()
    before = page.evaluate("scrollY")
    assert before > 0
    choose(page, "Ocean Blue & Grey")
    choose(page, "Forest Green & Black")
    expect(page.locator(".counter")).to_have_text("1 / 3")
    assert page.evaluate("scrollY") == before
    # but the thumbnails move to the one that is shown
    thumbnails = page.locator(".thumbnails")
    thumbnails.evaluate("list => { list.style.width = '6rem'; }")
    page.get_by_role("button", name="Previous photo").click()
    expect(page.locator(".counter")).to_have_text("3 / 3")
    assert thumbnails.evaluate("list => list.scrollLeft") > 0


def on_the_way_to_joggers(page: Page) -> Route:
    """Follow the link to them, and return the request, which is held."""
    held: list[Route] = []
    page.route(f"**/products/{JOGGERS}?**", lambda route: held.append(route))
    with page.expect_request(f"**/products/{JOGGERS}?**"):
        page.get_by_role("link", name="Morning Joggers").click()
    return held[0]


def test_a_choice_while_the_next_page_is_on_its_way(visit: Opener) -> None:
    shop = visit(f"/?product={CAMO}")
    page = shop.page
    held = on_the_way_to_joggers(page)
    choose(page, "Ocean Blue & Grey")
    expect(page).to_have_url(f"{shop.url}/?product={JOGGERS}")
    held.continue_()
    expect(heading(page)).to_have_text("Morning Joggers")
    expect(page).to_have_url(f"{shop.url}/?product={JOGGERS}")


def test_a_page_is_come_back_to_where_it_was_left(visit: Opener) -> None:
    """One, too, that was left again while it was on its way."""
    page = visit("/", width=390).page
    catalogue = leave_by(page, "Camo Onesie", 400)
    expect(heading(page)).to_have_text("Camo Onesie")
    camo = leave_by(page, "Morning Joggers", 300)
    expect(heading(page)).to_have_text("Morning Joggers")
    page.evaluate("scrollTo(0, 100)")
    where = f"**/products/{CAMO}?**"
    page.route(where, lambda route: None)
    with page.expect_request(where):
        page.evaluate("history.back()")
    page.evaluate("history.back()")
    expect(heading(page)).to_have_text("The catalogue")
    assert page.evaluate("scrollY") == catalogue
    page.unroute(where)
    for name, top in (("Camo Onesie", camo), ("Morning Joggers", 100)):
        page.evaluate("history.forward()")
        expect(heading(page)).to_have_text(name)
        assert page.evaluate("scrollY") == top


def test_an_entry_whose_page_never_came_has_a_number_of_its_own(visit: Opener) -> None:
    shop = visit("/")
    page = shop.page
    where = f"**/products/{CAMO}?**"
    page.route(where, lambda route: None)
    with page.expect_request(where):
        page.get_by_role("link", name="Camo Onesie").click()
    never_came = page.evaluate("history.state")
    page.goto(f"{shop.url}/docs")
    page.get_by_role("link", name="Atelier").first.click()
    expect(heading(page)).to_have_text("The catalogue")
    assert page.evaluate("history.state") == never_came + 1


def test_what_is_typed_while_a_page_is_on_its_way_is_kept(visit: Opener) -> None:
    page = visit(f"/?product={CAMO}").page
    held = on_the_way_to_joggers(page)
    search_box(page).press_sequentially("x")
    held.continue_()
    expect(heading(page)).to_have_text("Morning Joggers")
    expect(search_box(page)).to_have_value("x")
    expect(search_box(page)).to_be_focused()


def test_who_has_gone_elsewhere_while_a_page_is_on_its_way_stays_there(visit: Opener) -> None:
    page = visit(f"/?product={CAMO}").page
    held = on_the_way_to_joggers(page)
    search_box(page).focus()
    held.continue_()
    expect(heading(page)).to_have_text("Morning Joggers")
    expect(search_box(page)).to_be_focused()


def test_that_a_page_is_on_its_way_is_said(visit: Opener) -> None:
    page = visit(f"/?product={CAMO}").page
    held = on_the_way_to_joggers(page)
    expect(page.locator("#announcer")).to_have_text("Loading")
    held.continue_()
    expect(heading(page)).to_have_text("Morning Joggers")
    expect(page.locator("#announcer")).to_have_text("")


def test_a_link_to_the_page_itself_is_no_step_of_the_history(visit: Opener) -> None:
    shop = visit(f"/?product={CAMO}")
    page = shop.page
    for _ in range(3):
        page.get_by_role("link", name="Atelier").click()
        expect(heading(page)).to_have_text("The catalogue")
    page.go_back()
    expect(page).to_have_url(f"{shop.url}/?product={CAMO}")


def test_the_scroll_bar_of_suggestions_leaves_them_open(visit: Opener) -> None:
    page = visit("/").page
    page.set_viewport_size({"width": 640, "height": 240})
    search_box(page).press_sequentially("sh")
    suggestions = page.get_by_role("listbox")
    expect(suggestions).to_be_visible()
    box = suggestions.bounding_box()
    assert box["y"] + box["height"] <= 240
    page.mouse.move(box["x"] + box["width"] - 5, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.up()
    expect(suggestions).to_be_visible()
    expect(search_box(page)).to_be_focused()


def test_a_search_for_nothing_is_the_whole_list(visit: Opener) -> None:
    shop = visit("/?q=")
    expect(heading(shop.page)).to_have_text("The catalogue")
    assert shop.api_requests() == ["/products?count=24"]


def test_enter_is_for_what_was_typed_since(visit: Opener) -> None:
    """Not for the suggestion that an arrow has gone to before that."""
    shop = visit("/")
    # which are still on their way
    shop.page.route("**/products?q=camox&count=6", lambda route: None)
    search = search_box(shop.page)
    search.press_sequentially("camo")
    expect(option(shop.page, "Camo Onesie")).to_be_visible()
    search.press("ArrowDown")
    expect(option(shop.page, "Camo Onesie")).to_have_attribute("aria-selected", "true")
    search.press("x")
    expect(option(shop.page, "Camo Onesie")).to_have_attribute("aria-selected", "false")
    search.press("Enter")
    expect(heading(shop.page)).to_have_text(
        "Results for \N{LEFT DOUBLE QUOTATION MARK}camox\N{RIGHT DOUBLE QUOTATION MARK}"
    )
    expect(shop.page.locator(".nothing")).to_have_text(re.compile("^Nothing found. Try other"))
    shop.page.goto(f"{shop.url}/?page=9")
    expect(shop.page.locator(".nothing")).to_have_text("Nothing here: the list has ended.")


def test_links_open_elsewhere_as_links_do(visit: Opener) -> None:
    shop = visit(f"/?product={CAMO}")
    with shop.context.expect_page() as opened:
        shop.page.get_by_role("link", name="Morning Joggers").click(modifiers=["Control"])
    expect(heading(opened.value)).to_have_text("Morning Joggers")
    expect(heading(shop.page)).to_have_text("Camo Onesie")


def test_related_products_scroll(visit: Opener) -> None:
    page = visit(f"/?product={CAMO}").page
    cards = page.locator(".track .card")
    # twice the joggers and the onesie itself are in the API's answer
    expect(cards).to_have_count(10)
    earlier = page.get_by_role("button", name="Earlier related products")
    further = page.get_by_role("button", name="Further related products")
    expect(earlier).to_be_disabled()
    further.click()
    expect(earlier).to_be_enabled()
    expect(cards.first).not_to_be_in_viewport()
    page.locator(".track").evaluate("track => track.scrollTo({ left: track.scrollWidth })")
    expect(cards.last).to_be_in_viewport()
    expect(further).to_be_disabled()
    # who scrolls by the keyboard goes on from there
    expect(further).to_be_focused()
    earlier.click()
    expect(further).to_be_enabled()
