"""Whatever a catalogue holds is shown as what it is: nulls, markup, broken photos, odd prices."""

from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.catalogue import (
    BARE,
    CAMO,
    COSTLY,
    DIGITAL,
    FILLERS,
    FOREST,
    HOSTILE,
    JOGGERS,
    MARKUP,
    NAMELESS,
    SCRIPT,
    SHADES,
    SKY,
    TEXTUAL,
    WIDE,
)
from tests.browser.locators import choose, heading, outcome, price, search_box
from tests.browser.visit import Opener


def sizes(page: Page) -> list[str]:
    return page.locator(".size").all_inner_texts()


def drawings(page: Page, where: str) -> int:
    """Return how many pictures show a drawing where there is no photo."""
    return page.locator(f"{where} .picture:not(.has-photo) svg:visible").count()


def test_product_that_is_nothing_but_a_name(visit: Opener) -> None:
    page = visit(f"/?product={BARE}").page
    expect(heading(page)).to_have_text("Bare")
    expect(price(page)).to_have_text("$19.90")
    expect(outcome(page)).to_have_text("Not available at the moment")
    expect(page.get_by_label("Quantity")).to_be_disabled()
    expect(page.get_by_role("radio")).to_have_count(0)
    expect(page.get_by_role("img", name="Bare (drawing)")).to_be_visible()
    expect(page.locator(".about, .related")).to_have_count(0)
    for word in ("null", "undefined", "NaN", "[object"):
        assert word not in page.inner_text("main")


def test_text_that_reads_like_nothing_is_text(visit: Opener) -> None:
    page = visit(f"/?product={TEXTUAL}").page
    expect(heading(page)).to_have_text("null")
    expect(page.locator(".slogan")).to_have_text("null")
    expect(page.locator(".description")).to_have_text("undefined")
    expect(price(page)).to_have_text("$0.50")


def test_feature_without_a_value(visit: Opener) -> None:
    page = visit(f"/?product={CAMO}").page
    expect(page.locator("dt")).to_have_text(["Fabric", "Buttons", "Handmade"])
    expect(page.locator("dd")).to_have_text(["Canvas", "Brass", "✓"])


def test_empty_texts_leave_no_gap(visit: Opener) -> None:
    page = visit(f"/?product={COSTLY}").page
    expect(price(page)).to_have_text("$500,000,000")
    expect(page.locator(".about")).to_have_count(0)


def test_a_card_shows_one_price_the_sales_if_there_is_one(visit: Opener) -> None:
    """Whether that is lower a card cannot tell."""
    page = visit(f"/?product={CAMO}").page
    card = page.locator(".card").filter(has_text="Bright Future Sunglasses")
    expect(card.locator(".price")).to_have_text("$49.50")
    card = page.locator(".card").filter(has_text="Morning Joggers").first
    expect(card.locator(".price")).to_have_text("$40")


def test_sizes_in_the_order_of_sizes_each_once(visit: Opener) -> None:
    page = visit(f"/?product={CAMO}").page
    assert [text.split()[0] for text in sizes(page)] == ["XS", "S", "M", "L", "XL"]
    assert [radio.is_disabled() for radio in page.locator(".size input").all()] == [
        *(False, False, True, True, False)
    ]
    choose(page, "XL")
    # of two skus of this size there are 3 and 4 pieces
    expect(outcome(page)).to_contain_text("Only 7 left")
    expect(page.get_by_label("Quantity").locator("option")).to_have_count(7)
    choose(page, "S")
    expect(outcome(page)).to_contain_text("In stock")
    expect(page.get_by_label("Quantity").locator("option")).to_have_count(15)


def test_sizes_that_are_numbers(visit: Opener) -> None:
    page = visit(f"/?product={JOGGERS}").page
    assert sizes(page) == ["0", "4", "28", "28W", "30.5", "32"]


def test_sizes_that_begin_with_a_number_of_xs(visit: Opener) -> None:
    page = visit(f"/?product={JOGGERS}&style={WIDE}").page
    assert sizes(page) == ["XL", "4XL", "5XL", "6XL"]


def test_a_size_is_kept_where_the_next_style_has_it(visit: Opener) -> None:
    page = visit(f"/?product={CAMO}&style={FOREST}").page
    choose(page, "S")
    choose(page, "Ocean Blue & Grey")
    expect(outcome(page)).to_have_text("Choose a size")
    choose(page, "L")
    choose(page, "Forest Green & Black")
    expect(outcome(page)).to_have_text("Choose a size")
    choose(page, "XS")
    choose(page, "Forest Green & Black")
    expect(outcome(page)).to_contain_text("XS in Forest Green & Black: $140")


def test_a_quantity_is_kept_where_there_are_so_many(visit: Opener) -> None:
    page = visit(f"/?product={CAMO}&style={FOREST}").page
    quantity = page.get_by_label("Quantity")
    choose(page, "XL")
    quantity.select_option("7")
    choose(page, "XS")
    expect(quantity).to_have_value("7")
    expect(outcome(page)).to_contain_text("7 \N{MULTIPLICATION SIGN} XS")
    choose(page, "Ocean Blue & Grey")
    choose(page, "M")
    expect(quantity).to_have_value("1")


def test_what_has_no_name_has_its_number(visit: Opener) -> None:
    shop = visit(f"/?product={NAMELESS}")
    page = shop.page
    expect(heading(page)).to_have_text("Product 9")
    expect(page).to_have_title("Product 9 · Atelier")
    expect(page.get_by_role("radio", name="Style 91")).to_be_checked()
    expect(outcome(page)).to_contain_text("M in Style 91: $12")
    # a sale price that is not lower is no sale
    expect(page.locator(".price-line")).to_have_text("$12.00")
    # a category that cannot be asked for is no link
    expect(page.locator(".details .eyebrow")).to_have_text(("Long " * 41).strip())
    expect(page.get_by_role("navigation", name="Breadcrumb").get_by_role("link")).to_have_count(1)
    page.get_by_role("link", name="All products").click()
    expect(page.locator(".card-name").filter(has_text="Product 9")).to_be_visible()


def test_the_other_photo_stands_in_for_one_that_is_gone(visit: Opener) -> None:
    shop = visit(f"/?product={NAMELESS}")
    photo = shop.page.locator(".stage .has-photo img")
    expect(photo).to_have_attribute("src", f"{shop.url}/photos/91.svg")


def test_style_without_photos_and_skus(visit: Opener) -> None:
    page = visit(f"/?product={CAMO}&style={DIGITAL}").page
    expect(page.get_by_role("radio", name="Digital Red & Black")).to_be_checked()
    expect(outcome(page)).to_have_text("Out of stock in this style")
    expect(page.get_by_role("group", name="Size")).to_be_hidden()
    expect(page.get_by_role("button", name="Next photo")).to_be_hidden()
    expect(
        page.get_by_role("img", name="Camo Onesie, Digital Red & Black (drawing)")
    ).to_be_visible()


def test_style_that_is_sold_out(visit: Opener) -> None:
    page = visit(f"/?product={SHADES}").page
    expect(outcome(page)).to_have_text("Out of stock in this style")
    expect(page.get_by_role("radio", name="One size (out of stock)")).to_be_disabled()


@pytest.mark.parametrize("style", ["99999", "x", "", MARKUP])
def test_unknown_style_shows_the_default_one(visit: Opener, style: str) -> None:
    page = visit(f"/?product={CAMO}&style={style.replace('&', '%26')}").page
    expect(page.get_by_role("radio", name="Forest Green & Black")).to_be_checked()


def test_drawings_stand_in_for_photos_that_do_not_come(visit: Opener) -> None:
    page = visit(f"/?product={CAMO}&style={SKY}").page
    expect(price(page)).to_have_text("Sale price $99.90 Original price $1,140.00")
    # its only size has no name
    expect(outcome(page)).to_contain_text(
        "1 \N{MULTIPLICATION SIGN} One size in Sky Blue & White: $99.90"
    )
    first = page.get_by_role("img", name="Camo Onesie, Sky Blue & White, photo 1 of 3 (drawing)")
    expect(first).to_be_visible()
    # one thumbnail is gone, one has a typing error but a photo of its own, one was never there
    expect(page.locator(".thumbnails .has-photo")).to_have_count(1)
    assert drawings(page, ".thumbnails") == 2
    page.get_by_role("button", name="Next photo").click()
    expect(page.locator(".stage .has-photo")).to_have_count(1)
    page.get_by_role("button", name="Next photo").click()
    third = page.get_by_role("img", name="Camo Onesie, Sky Blue & White, photo 3 of 3 (drawing)")
    expect(third).to_be_visible()


def test_a_name_turns_nothing_around_but_itself(visit: Opener) -> None:
    page = visit(f"/?product={FILLERS[6]}").page
    choose(page, "M")
    said = outcome(page)
    expect(said).to_contain_text("$120")
    name, total = (said.locator(tag).last.bounding_box() for tag in ("bdi", "strong"))
    assert total["x"] >= name["x"] + name["width"] or total["y"] > name["y"]


def answered(page: Page, product: int, **changes: Any) -> None:
    """Have the API's answer for a product hold this instead."""

    def change(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json=answer.json() | changes)

    page.route(f"**/products/{product}?**", change)


def places(text: Locator) -> tuple[float, float]:
    """Return where the first character of a text and the last one begin, from the left."""
    return text.evaluate(
        """(node) => [0, node.firstChild.length - 1].map((at) => {
          const range = document.createRange();
          range.setStart(node.firstChild, at);
          range.setEnd(node.firstChild, at + 1);
          return range.getBoundingClientRect().left;
        })"""
    )


def test_a_text_is_in_the_direction_of_its_script(visit: Opener) -> None:
    shop = visit("/")
    hebrew = "\N{HEBREW LETTER SHIN}\N{HEBREW LETTER LAMED} Camo."
    answered(shop.page, CAMO, name=hebrew, description=hebrew)
    shop.go(f"/?product={CAMO}")
    for text in (heading(shop.page), shop.page.locator(".description")):
        first, last = places(text)
        assert last < first
    first, last = places(shop.page.locator(".slogan"))
    assert first < last


def test_the_name_of_a_feature_is_whole_beside_a_long_value(visit: Opener) -> None:
    shop = visit("/", width=390)
    name = "Care instructions"
    long = {"feature": name, "value": "Wash by hand, in cold water. " * 20}
    answered(shop.page, CAMO, features=[{"feature": name, "value": "Wash"}, long])
    shop.go(f"/?product={CAMO}")
    alone, beside = (each.bounding_box()["width"] for each in shop.page.locator("dt").all())
    assert beside == pytest.approx(alone)
    assert shop.page.locator("dd").last.bounding_box()["width"] > 100


def test_markup_is_text(visit: Opener) -> None:
    shop = visit(f"/?product={HOSTILE}")
    page = shop.page
    expect(heading(page)).to_have_text(MARKUP)
    expect(page).to_have_title(f"{MARKUP} · Atelier")
    expect(page.locator(".slogan")).to_have_text(SCRIPT)
    expect(page.locator("dt")).to_have_text(MARKUP)
    expect(page.locator("dd")).to_have_text(SCRIPT)
    expect(page.get_by_role("radio", name=MARKUP).first).to_be_checked()
    expect(outcome(page)).to_contain_text(f"1 \N{MULTIPLICATION SIGN} {MARKUP} in {MARKUP}: $10")
    # none of its addresses is one to load from
    expect(page.locator("main img")).to_have_count(0)
    assert drawings(page, ".gallery") == 3

    page.get_by_role("link", name=MARKUP).click()
    expect(heading(page)).to_have_text(f'"><b>{MARKUP}')
    expect(page.locator(".card-name")).to_have_text(MARKUP)
    search = search_box(page)
    search.fill(MARKUP)
    search.press("Enter")
    expect(heading(page)).to_have_text(f"Results for “{MARKUP}”")
    assert page.evaluate("document.title") == f"Results for “{MARKUP}” · Atelier"
    assert (
        page.evaluate("document.querySelectorAll('main script, main b, main [onerror]').length")
        == 0
    )


@pytest.mark.parametrize(
    ("price", "shown"),
    [
        ("0", "$0"),
        ("140", "$140"),
        ("19.90", "$19.90"),
        ("0.5", "$0.50"),
        ("1000", "$1,000"),
        ("1234.567891", "$1,234.567891"),
        ("500000000", "$500,000,000"),
        ("999999999999.999999", "$999,999,999,999.999999"),
    ],
)
def test_prices_keep_their_digits(visit: Opener, price: str, shown: str) -> None:
    assert in_module(visit, "format.js", "formatPrice", price) == shown


@pytest.mark.parametrize(
    ("price", "count", "total"),
    [
        ("140", 1, "140"),
        ("0.07", 1, "0.07"),
        ("0.07", 15, "1.05"),
        ("19.90", 3, "59.70"),
        ("0.10", 10, "1.00"),
        ("999999999999.999999", 15, "14999999999999.999985"),
    ],
)
def test_totals_are_exact(visit: Opener, price: str, count: int, total: str) -> None:
    assert in_module(visit, "format.js", "multiplyPrice", price, count) == total


def in_module(visit: Opener, module: str, function: str, *arguments: object) -> object:
    """Call a function of one of the shop's modules in the browser."""
    return visit(f"/?product={BARE}").page.evaluate(
        """async ([module, name, values]) => (await import(module))[name](...values)""",
        [f"/static/shop/{module}", function, list(arguments)],
    )
