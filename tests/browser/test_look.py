"""Every kind of page in both schemes, wide and narrow: kept as pictures, checked for access."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.catalogue import CAMO, DIGITAL, HOSTILE, OCEAN, SKY
from tests.browser.locators import choose, option, search_box
from tests.browser.visit import Opener

WIDTHS = [1280, 390, 320]
SCHEMES = ["light", "dark"]


def choose_some(page: Page) -> None:
    choose(page, "M")
    page.get_by_label("Quantity").select_option("2")


def type_some(page: Page) -> None:
    search_box(page).press_sequentially("sh")
    expect(option(page, "Plain Shirt 20")).to_be_visible()
    search_box(page).press("ArrowDown")


PAGES: dict[str, tuple[str, Callable[[Page], None] | None]] = {
    "catalogue": ("/", None),
    "product": (f"/?product={CAMO}&style={OCEAN}", choose_some),
    "drawn": (f"/?product={CAMO}&style={DIGITAL}", None),
    "broken-photos": (f"/?product={CAMO}&style={SKY}", None),
    "markup": (f"/?product={HOSTILE}", None),
    "suggestions": (f"/?product={CAMO}", type_some),
    "nothing-found": ("/?q=zzzz", None),
    "missing": ("/?product=0", None),
}


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_page_fits_and_is_accessible(visit: Opener, name: str, width: int, scheme: str) -> None:
    path, act = PAGES[name]
    shop = visit(path, width=width, scheme=scheme)
    if act:
        act(shop.page)
    if width != 320:  # the narrowest that pages must fit
        shop.screenshot(name, whole=name != "suggestions")
    assert shop.page.evaluate("document.documentElement.scrollWidth") <= width
    violations = Axe().run(shop.page).response["violations"]
    assert not [
        (violation["id"], node["html"], node["failureSummary"])
        for violation in violations
        for node in violation["nodes"]
    ]


@pytest.mark.parametrize(("width", "height"), [(900, 900), (1280, 600), (390, 844)])
def test_what_is_laid_over_a_photo_is_within_it(visit: Opener, width: int, height: int) -> None:
    page = visit(f"/?product={CAMO}").page
    page.set_viewport_size({"width": width, "height": height})
    photo = page.locator(".stage .picture").bounding_box()
    for laid in (".counter", ".stage-frame .previous", ".stage-frame .next"):
        box = page.locator(laid).bounding_box()
        assert photo["y"] <= box["y"], laid
        assert box["y"] + box["height"] <= photo["y"] + photo["height"], laid


def test_a_photo_is_shown_whole(visit: Opener) -> None:
    page = visit(f"/?product={CAMO}").page
    page.set_viewport_size({"width": 844, "height": 390})
    fit = "photo => getComputedStyle(photo).objectFit"
    assert page.locator(".stage .picture img").evaluate(fit) == "contain"


def test_nothing_moves_for_those_who_ask(visit: Opener) -> None:
    page = visit(f"/?product={CAMO}").page
    assert page.evaluate("document.getAnimations().length") == 0
    assert page.evaluate(
        """[...document.querySelectorAll("*")].every((node) => {
          const style = getComputedStyle(node);
          return style.transitionDuration === "0s" && style.scrollBehavior === "auto";
        })"""
    )
    page.emulate_media(reduced_motion="no-preference")
    assert (
        page.eval_on_selector(".track", "node => getComputedStyle(node).scrollBehavior") == "smooth"
    )


def test_what_is_chosen_shows_where_the_system_has_its_own_colours(visit: Opener) -> None:
    page = visit(f"/?product={CAMO}&style={OCEAN}").page
    choose(page, "M")
    page.emulate_media(forced_colors="active")
    for kind in ("tiles .tile", "sizes .size"):
        chosen, others = (
            page.eval_on_selector_all(
                f".{kind}{which}",
                "nodes => [...new Set(nodes.map((node) => getComputedStyle(node).borderTopColor))]",
            )
            for which in (":has(:checked)", ":not(:has(:checked))")
        )
        assert len(chosen) == 1
        assert chosen[0] not in others
