"""A real Chromium, a real service, and visits to its pages that watch what the browser does."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.catalogue import catalogue
from tests.browser.visit import Opener, Visit
from tests.catalogue import load_catalogue, write_catalogue
from tests.conftest import Database
from tests.system.service import Service, serving

# What Chromium would ask its maker on its own, and what a machine without a screen lacks.
FLAGS = (
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--no-first-run", "--disable-quic", "--disable-gpu"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; Playwright's own is not needed."""
    program = shutil.which("chromium")
    if program is None:
        pytest.fail("Chromium is missing: tests/install-tools.sh installs it, on Debian as root")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="package")
def shop_database(clone: Callable[[], Database]) -> Database:
    return clone()


@pytest.fixture(scope="package")
def shop(shop_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service with a catalogue whose photos are at its own address (see Visit)."""
    with serving(shop_database) as service:
        folder = tmp_path_factory.mktemp("shop")
        write_catalogue(folder / "catalogue", catalogue(service.url))
        load_catalogue(shop_database.etl, folder / "catalogue", folder)
        yield service


@pytest.fixture
def visit(browser: Browser, shop: Service) -> Iterator[Opener]:
    """Opens a page of the shop in a browser profile of its own; at the end all was well in it."""
    visits = []

    def open_page(path: str, *, width: int = 1280, scheme: str = "light") -> Visit:
        visits.append(Visit(browser, shop.url, width=width, scheme=scheme))
        visits[-1].go(path)
        return visits[-1]

    yield open_page
    for each in visits:
        each.close()
    for each in visits:
        assert not each.complaints
        assert not each.strangers
