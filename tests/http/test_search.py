"""Search: what is found, in which order, and that no text is too odd to be searched for."""

import time
import unicodedata
from collections.abc import Callable
from urllib.parse import quote, urlencode

import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.catalogue import load_catalogue
from tests.conftest import Database, make_app
from tests.http.conftest import Serve

# What a search may take, seconds: the service's own limit on a statement.
LIMIT = 0.5
# More than are ranked, so that a word of theirs has more matches than are shown.
CROWD = range(1_001, 1_601)
# As many as are ranked, with texts that would take too long to rank whole: nearly as much as is
# searched, and as much behind that.
TOMES = range(2_001, 2_301)
TOME = f"Ü {' '.join(f'leaf{n}' for n in range(2_000))} colophon {'… ' * 10_000}"
PRODUCTS = [
    (1, "Camo Onesie", "Blend in", "A quiet pattern for the woods", "Jackets", "140"),
    (2, "Plain Onesie", "Camo it is not", "Grey.White stripes, 日本 style", "Pyjamas", "50"),
    (3, "Field Trousers", None, "In camo, or in olive", "Camo", "70"),
    (4, "Running Shoes", "Made to be worn out", "Run, walk/jog, rest", "Sneakers", "90"),
    (5, "T-Shirt Élan", "", None, None, "19.90"),
    (6, "Everyday Bag", "Happy days", "Holds 15.5 litres <b>and</b> more &amp; more", "Bags", "30"),
    (7, "L" * 2_500, "", " ".join(f"word{n}" for n in range(80_000)), "Clothing", "1"),
    (8, "Woods' Best", "o'clock \\ back", "“Quoted”—and…so… on™", "Hats", "1"),
    (9, "Marina Cape", None, "A hatch for the experienced", "Coats", "1"),
    (10, "Mitten", "Size +5, ~wool", "Lined <script>none()</script> and warm", "Gloves", "1"),
    *((id_, f"Crowd {id_}", None, "Part of a multitude", "Many", "1") for id_ in CROWD),
    *((id_, f"Tome {id_}", None, TOME, "Books", "1") for id_ in TOMES),
]


@pytest.fixture(scope="module")
def client(shared_database: Database, serve: Serve) -> FlaskClient:
    return serve(shared_database, {"products": PRODUCTS}).test_client()


@pytest.fixture(scope="module")
def find(client: FlaskClient) -> Callable[..., list[int]]:
    """Search, and return the ids of what is found."""

    def find_ids(q: str, **parameters: int) -> list[int]:
        response = client.get(f"/products?{urlencode({'q': q} | parameters)}")
        assert response.status_code == 200, response.data
        return [product["id"] for product in response.json]

    return find_ids


def test_best_match_first(find: Callable[..., list[int]]) -> None:
    # In the name, in the category, in the slogan: weights A, B, C.
    assert find("camo") == [1, 3, 2]
    assert find("onesie") == [1, 2]
    assert find("Jackets") == [1]


def test_the_answer_is_a_list_of_products(client: FlaskClient) -> None:
    found = client.get("/products?q=camo&count=1")
    assert found.data == client.get("/products?ids=1").data


def test_every_word_is_needed(find: Callable[..., list[int]]) -> None:
    assert find("camo onesie") == [1, 2]
    assert find("onesie camo pattern") == [1]
    assert find("camo nowhere") == []


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        # of one word
        *(("on", []), ("ones", [1, 2]), ("ONESI", [1, 2]), ("jack", [1]), ("ÉL", [5])),
        # of which the stem is not the beginning, or is shorter
        *(("runn", [4]), ("running", [4]), ("runs", [4]), ("every", [6]), ("happ", [6])),
        *(("cloth", [7]), ("clothi", [7]), ("clothing", [7])),
        # that only shares the stem as its beginning
        *(("marin", [9]), ("marina", [9]), ("marine", []), ("marines", [])),
        *(("cap", [9]), ("caps", []), ("cape", [9]), ("hat", [8, 9]), ("hats", [8])),
        # of which the stem is longer than that of what is typed
        *(("experi", [9]), ("experience", [9]), ("experienced", [9])),
        # only the last one
        *(("camo ones", [1, 2]), ("cam onesie", [])),
        # one letter is a whole word
        *(("o", [8]), ("c", []), ("b", []), ("日", []), ("日本", [2])),
    ],
)
def test_the_last_word_may_be_a_beginning(
    find: Callable[..., list[int]], q: str, expected: list[int]
) -> None:
    assert sorted(find(q)) == expected


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        *(("t-shirt", [5]), ("shirt", [5]), ("T SHIRT", [5]), ("t-shi", [5]), ("ÉLAN", [5])),
        *(("white", [2]), ("grey white", [2]), ("jog", [4]), ("walk/jog", [4])),
        *(("grey_white", [2]), ("white@grey", [2])),
        *(("15.5 litres", [6]), ("15 litres", [6]), ("amp", []), ("more", [])),
        *(("woods", [1, 8]), ("woods'", [1, 8]), ("o'clock", [8]), ("o\u2019clock", [8])),
        *(("worn out", [4]), ("word9", [7]), ("word79999", []), ("LLL", [])),
        # before the 20,000th character, and behind it
        *(("word2344", [7]), ("word2345", [])),
        *(("size +5", [10]), ("size 5", [10]), ("size ~wool", [10]), ("wool", [10])),
        *(("mitten lined", [10]), ("mitten none", []), ("mitten warm", [])),
        *(("quoted", [8]), ("“quoted”", [8]), ("quoted-and so", [8]), ("on™ best", [8])),
    ],
)
def test_words_are_runs_of_letters_and_digits(
    find: Callable[..., list[int]], q: str, expected: list[int]
) -> None:
    assert sorted(find(q)) == expected


@pytest.mark.parametrize("q", ["the", "of and the", "the The THE", "a", "...", "'", " ", "🦊", "-"])
def test_no_words_find_nothing(find: Callable[..., list[int]], q: str) -> None:
    assert find(q) == []


@pytest.mark.parametrize(
    "q",
    [
        *(
            "camo & !onesie",
            "camo | x",
            "(camo",
            "camo)",
            "!camo",
            "camo:*",
            "camo:A",
            "camo <-> x",
        ),
        *("'camo'", "''camo", '"camo onesie"', "camo\\", "\\'camo", "camo*", ":*", "camo %s $1"),
        *("'; DROP TABLE catalogue.products; --", "camo {0} %(q)s", "<a href='\\'>", "<camo"),
        *("<camo>", "camo <on", "<b>camo</b> ones", "ones <br>", "&camo;", "&#99;"),
        *("camo\t\n\r\x0b", "camo\u200d🦊", "कपड़े", "camo\u0301", "\U0010ffff"),
        *("http://camo.example/onesie?x=1", "a@b.example", "/usr/bin/camo", "1e5", "-5", "&lt;"),
    ],
)
def test_operators_are_text(find: Callable[..., list[int]], q: str) -> None:
    words = "".join(c if c.isalnum() or unicodedata.category(c)[0] == "M" else " " for c in q)
    assert find(q) == find(words)


def test_tags_are_words(find: Callable[..., list[int]]) -> None:
    assert find("<camo>") == find("&camo;") == [1, 3, 2]
    assert find("camo <ones>") == find("camo & ones<>") == [1, 2]


def test_operators_mean_nothing(find: Callable[..., list[int]]) -> None:
    for q in ("camo & onesie", "camo | onesie", "!camo (onesie)", '"onesie camo"', "camo:onesie"):
        assert sorted(find(q)) == [1, 2], q


@settings(max_examples=200)
@given(
    q=st.text(
        st.characters(exclude_characters="\0", exclude_categories=("Cs",))
        | st.sampled_from(" camo'\"\\&|!:*()<>-./@%"),
        min_size=1,
        max_size=200,
    )
)
def test_any_text_can_be_searched_for(client: FlaskClient, q: str) -> None:
    response = client.get("/products?q=" + quote(q, safe=""))
    assert response.status_code == 200
    assert isinstance(response.json, list)


def test_a_word_that_is_everywhere_has_pages(client: FlaskClient) -> None:
    shown: list[int] = []
    path = "/products?q=multitude&count=70"
    while path:
        response = client.get(path)
        shown += [product["id"] for product in response.json]
        links = response.headers["Link"].split(", ")
        targets = {link.split('"')[1]: link[1:].split(">")[0] for link in links}
        assert targets["first"] == "/products?page=1&count=70&q=multitude"
        path = targets.get("next", "")
    assert len(shown) == len(set(shown)) == 300
    assert set(shown) < set(CROWD)
    assert shown == sorted(shown)  # equally good
    assert client.get("/products?q=multitude&count=1000&page=2").json == []
    assert [product["id"] for product in client.get("/products?q=crowd+1600").json] == [1600]


INVALID = ["", "x" * 201, "é" * 201, "camo%00", "%00", "x" * 8_000, "word+" * 1_000]


@pytest.mark.parametrize("q", INVALID)
def test_what_cannot_be_searched_for_is_400(client: FlaskClient, q: str) -> None:
    response = client.get(f"/products?q={q}")
    assert response.status_code == 400
    (error,) = response.json["errors"]
    assert error["parameter"] == "q"
    assert ("NUL" if "%00" in q else "200 characters") in error["detail"]


def test_the_longest_text_can_be_searched_for(find: Callable[..., list[int]]) -> None:
    assert find("é" * 200) == []
    assert find("camo " * 40) == [1, 3, 2]


def test_words_beyond_the_eighth_are_not_looked_for(find: Callable[..., list[int]]) -> None:
    words = "camo onesie blend quiet pattern woods jackets camo onesie"
    assert find(words) == [1]
    assert find(f"{words} 140") == []
    assert find(f"{words} pat nowhere") == []
    assert find("camo onesie blend quiet pattern woods jackets pattern camo nowhere") == []
    assert find("camo onesie blend quiet pattern wood jacket jackets onesie nowhere") == []


def test_long_texts_are_searched_whole_and_ranked_by_their_beginnings(
    find: Callable[..., list[int]],
) -> None:
    assert find("colophon", count=2) == [2_001, 2_002]
    assert find("colophon tome 2222", count=2) == [2_222]
    assert find("books", page=100, count=3) == [2_298, 2_299, 2_300]


@pytest.mark.slow
@pytest.mark.usefixtures("client")
def test_no_search_in_long_texts_is_slow(shared_database: Database) -> None:
    """Ranked whole, these run into the limit."""
    app = make_app(shared_database, DB_STATEMENT_TIMEOUT_MS=str(round(LIMIT * 1000)))
    for q in ("colophon", "books"):
        response = app.test_client().get(f"/products?{urlencode({'q': q})}")
        assert response.status_code == 200, response.data
    app.extensions["database"].close()


@pytest.mark.slow
def test_no_search_is_slow(
    clone: Callable[[], Database], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """With words that are in most of 100,000 products, alone and together, and with letters."""
    from etl.generate import generate

    database, folder = clone(), tmp_path_factory.mktemp("large")
    generate(folder / "csv", 100_000)
    load_catalogue(database.etl, folder / "csv", folder)
    app = make_app(database)
    client = app.test_client()
    common = (
        "work home full light made feel care take make hold keep right look test whatever night"
    )
    letters = " ".join("abcdefghijklmnopqrstuvwxyz")
    words = ("work", "wa", "se", "co", "s", "x", letters, f"work {letters[:15]}")
    for q in (*words, common, f"{common} wa", "xyzzy wa", "work " * 40, "wa-" * 66, "🦊" * 200):
        client.get("/products?" + urlencode({"q": q}))
        started = time.monotonic()
        assert client.get("/products?" + urlencode({"q": q})).status_code == 200
        assert time.monotonic() - started < LIMIT
    app.extensions["database"].close()
