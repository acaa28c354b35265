"""One visitor's browser: what it asked for, what it complained of, and what it looked like."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Request, Route

ROOT = Path(__file__).parents[2]
SCREENSHOTS = ROOT / "build" / "screenshots"
HEIGHTS = {1280: 900, 390: 844, 320: 640}
TIMEOUT = 30_000  # milliseconds; a limit on what hangs, not a promise

# A still life for a photo: its number picks the colours.
PHOTO = """<svg xmlns="http://www.w3.org/2000/svg" width="800" height="1000" viewBox="0 0 80 100">
<defs><radialGradient id="light" cx=".35" cy=".25" r="1"><stop stop-color="hsl({hue} 45% 88%)"/>
<stop offset="1" stop-color="hsl({hue} 30% 52%)"/></radialGradient></defs>
<rect width="80" height="100" fill="url(#light)"/>
<path d="M0 74q40-10 80 0v26H0Z" fill="hsl({hue} 24% 40%)"/>
<ellipse cx="42" cy="80" rx="22" ry="4" fill="#0004"/>
<circle cx="{x}" cy="58" r="22" fill="hsl({accent} 48% 46%)"/>
<circle cx="{x}" cy="58" r="22" fill="url(#light)" opacity=".35"/></svg>"""


class Visit:
    """A page in a profile of its own. `requests` are the URLs asked for, in order.

    `complaints` are errors in the console and uncaught exceptions, `strangers` requests to other
    hosts. The service's addresses under /photos/ are photos, but for those under /photos/gone/.
    """

    def __init__(self, browser: Browser, url: str, *, width: int, scheme: str) -> None:
        self.url = url
        self.width = width
        self.scheme = scheme
        self.requests: list[str] = []
        self.strangers: list[str] = []
        self.complaints: list[str] = []
        self._excused = [f"{url}/photos/gone/"]
        self.context = browser.new_context(
            viewport={"width": width, "height": HEIGHTS[width]},
            color_scheme=scheme,
            reduced_motion="reduce",
        )
        self.context.set_default_timeout(TIMEOUT)
        self.context.on("request", self._note_request)
        self.context.route(f"{url}/photos/*.svg", _send_photo)
        self.page: Page = self.context.new_page()
        self.page.on("console", self._note_message)
        self.page.on("pageerror", self._note_error)

    def go(self, path: str) -> None:
        """Open an address and wait for the page that the script makes of it."""
        self.page.goto(self.url + path)
        self.page.wait_for_selector("main h1")

    def excuse(self, path: str) -> None:
        """Let requests whose path begins so fail: the test is about that."""
        self._excused.append(self.url + path)

    def api_requests(self) -> list[str]:
        """Return the paths asked of the API since the last call."""
        paths = [url.removeprefix(self.url) for url in self.requests]
        self.requests.clear()
        return [path for path in paths if path.startswith("/products")]

    def screenshot(self, name: str, *, whole: bool = True) -> None:
        """Keep a picture of the page, the whole of it or what is in view."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.evaluate("document.fonts.ready")
        self.page.screenshot(
            path=SCREENSHOTS / f"{name}-{self.width}-{self.scheme}.png", full_page=whole
        )

    def close(self) -> None:
        """End the visit; what it has noted stays."""
        self.context.close()

    def _note_request(self, request: Request) -> None:
        if not request.url.startswith("data:"):
            self.requests.append(request.url)
            if not request.url.startswith(f"{self.url}/"):
                self.strangers.append(request.url)

    def _note_message(self, message: ConsoleMessage) -> None:
        source = message.location["url"]
        if message.type in ("error", "warning") and not source.startswith(tuple(self._excused)):
            self.complaints.append(f"{message.type}: {message.text} ({source})")

    def _note_error(self, error: Error) -> None:
        self.complaints.append(f"uncaught: {error.message}")


# The fixture `visit`: opens a page of the shop, by its path.
Opener = Callable[..., Visit]


def _send_photo(route: Route) -> None:
    number = int(Path(route.request.url).stem)
    picture = PHOTO.format(
        hue=number * 47 % 360, accent=(number * 47 + 160) % 360, x=30 + number * 7 % 24
    )
    route.fulfill(body=picture, content_type="image/svg+xml")
