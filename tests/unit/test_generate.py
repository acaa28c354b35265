"""The generated catalogue: its size, its references, its quirks, and the same bytes again."""

import csv
import hashlib
from collections import Counter
from fractions import Fraction

import pytest

from etl.files import find_files
from etl.generate import UNCLOSED_PHOTOS, generate, zero_rows
from etl.lines import REPAIR, clean_line
from etl.progress import Progress
from etl.recipe import CHILDREN, FULL_SET, MAX_ID, Recipe, identifier, plan

FULL = FULL_SET["products"]


def lines(folder, table):
    return (folder / f"{table}.csv").read_bytes().decode().splitlines()[1:]


def rows(folder, table):
    return [
        next(csv.reader([line if is_closed(line) else line + '"'], skipinitialspace=True))
        for line in lines(folder, table)
    ]


def is_closed(line):
    return line.count('"') % 2 == 0


def faults(folder):
    """What a load would say of the lines, table by table."""
    found = Counter()
    for source in find_files(folder):
        for line in lines(folder, source.table.name):
            _, reason = clean_line(source.table, source.spaced, line.encode())
            if reason:
                found[source.table.name, reason] += 1
    return found


def keys(folder, table):
    return [int(row[0]) for row in rows(folder, table)]


def digests(folder):
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.csv")
    }


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clean")
    generate(folder, 3000)
    return folder


# Size


def test_the_full_set_has_the_published_counts():
    assert plan(FULL) == {
        "products": 1_000_011,
        "features": 2_219_279,
        "styles": 1_958_102,
        "photos": 5_655_656,
        "skus": 11_323_917,
        "related": 4_508_263,
    }


@pytest.mark.parametrize("table", ["features", "styles", "photos", "related"])
def test_blocks_join_up_to_the_whole_table(table):
    recipe = Recipe(plan(100_003), 1, False)
    row = parent = 0
    for block in recipe.blocks(table):
        assert (block.first_row, block.first_parent) == (row, parent)
        assert sum(block.counts) == block.size
        assert min(block.counts) >= 0
        row, parent = block.end_row, block.end_parent
    assert row == recipe.rows[table]
    assert parent == recipe.rows[CHILDREN[table].parent]


@pytest.mark.parametrize("products", [1, 2, 3, 5, 8, 9, 16, 20, 1000])
@pytest.mark.parametrize("dirty", [False, True])
def test_other_sizes_are_in_proportion(tmp_path, products, dirty):
    written = generate(tmp_path, products, dirty=dirty)
    for table, count in FULL_SET.items():
        assert len(lines(tmp_path, table)) == written[table]
        assert abs(written[table] - Fraction(count * products, FULL)) <= Fraction(1, 2)


def test_tables_vary_per_parent_as_published_ones_do():
    recipe = Recipe(plan(50_000), 1, False)
    for table in ("features", "styles", "photos", "skus", "related"):
        counts = Counter(count for block in recipe.blocks(table) for count in block.counts)
        parents = counts.total()
        assert 0.02 < counts[0] / parents < 0.25, table
        assert len(counts) > 5, table


@pytest.mark.parametrize("products", [0, -1, 10**9])
def test_an_impossible_number_of_products_is_refused(tmp_path, products):
    with pytest.raises(ValueError, match="products"):
        generate(tmp_path / "new", products)
    assert not (tmp_path / "new").exists()


# Content


def test_files_are_recognised_in_the_published_dialects(clean):
    spaced = {source.table.name: source.spaced for source in find_files(clean)}
    assert spaced == {
        "products": True,
        "features": True,
        "styles": True,
        "photos": False,
        "skus": True,
        "related": False,
    }


def test_a_load_repairs_and_rejects_nothing_of_a_clean_catalogue(clean):
    assert not faults(clean)


@pytest.mark.parametrize("table", FULL_SET)
def test_ids_are_unique_ints_with_gaps(clean, table):
    ids = keys(clean, table)
    assert len(set(ids)) == len(ids)
    assert min(ids) == 1
    assert max(ids) > len(ids)


def test_ids_of_the_full_set():
    assert identifier(FULL) == 1_001_012
    assert identifier(max(plan(FULL).values())) <= MAX_ID
    ids = {identifier(row) for row in range(1, 400)}
    assert ids.issuperset(UNCLOSED_PHOTOS)


@pytest.mark.parametrize("products", [1, 7, 20, 1500])
@pytest.mark.parametrize("seed", [1, 2])
def test_references_are_valid(tmp_path, products, seed):
    generate(tmp_path, products, seed)
    product_ids, style_ids = set(keys(tmp_path, "products")), set(keys(tmp_path, "styles"))
    for table, known in (
        ("features", product_ids),
        ("styles", product_ids),
        ("photos", style_ids),
        ("skus", style_ids),
        ("related", product_ids),
    ):
        assert {int(row[1]) for row in rows(tmp_path, table)} <= known
    assert {int(row[2]) for row in rows(tmp_path, "related")} <= product_ids


def test_a_sale_is_cheaper_than_the_original_which_is_the_products(clean):
    default_price = {row[0]: row[5] for row in rows(clean, "products")}
    sales = 0
    for _, product, _, sale, original, _ in rows(clean, "styles"):
        assert default_price[product] in (original, "500000000")
        if sale != "null":
            sales += 1
            assert 0 < Fraction(sale) < Fraction(original)
    assert 0.08 < sales / len(lines(clean, "styles")) < 0.14


def test_texts_are_as_long_as_published_ones(clean):
    def mean(table, column):
        cells = [row[column] for row in rows(clean, table)]
        return sum(map(len, cells)) / len(cells)

    assert mean("products", 1) == pytest.approx(13.6, rel=0.1)
    assert mean("products", 2) == pytest.approx(42, rel=0.15)
    assert mean("products", 3) == pytest.approx(203, rel=0.1)
    assert mean("photos", 2) == pytest.approx(125, rel=0.05)


@pytest.mark.parametrize("piece", ['""', ", mud", "日本", "東京", "ü", "é", ".90\n", ".99\n"])
def test_texts_and_prices_have_what_trips_a_reader_of_csv(clean, piece):
    assert piece in "\n".join(lines(clean, "products"))


# Quirks and dirt


@pytest.mark.parametrize("products", [20, 1000])
@pytest.mark.parametrize("dirty", [False, True])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_quirk_that_loads_is_there(tmp_path, products, dirty, seed):
    generate(tmp_path, products, seed, dirty)
    parents = {
        table: {row[1] for row in rows(tmp_path, table)}
        for table in FULL_SET
        if table != "products"
    }
    product_ids = {row[0] for row in rows(tmp_path, "products")}
    styles = rows(tmp_path, "styles")
    style_ids = {row[0] for row in styles}
    features = lines(tmp_path, "features")
    assert product_ids - parents["features"]
    assert product_ids - parents["styles"]
    assert style_ids - parents["photos"]
    assert style_ids - parents["skus"]
    assert parents["styles"] - {row[1] for row in styles if row[5] == "1"}
    assert any(line.endswith(', "null"') for line in features)
    assert any(line.endswith(", null") for line in features)
    assert any(row[3] == "null" for row in styles)
    assert [row[5] for row in rows(tmp_path, "products")].count("500000000") == 1
    assert [row[3].startswith("uhttps://") for row in rows(tmp_path, "photos")].count(True) == 1
    for table in ("photos", "skus"):
        assert keys(tmp_path, table) != sorted(keys(tmp_path, table))
    assert has_duplicates([(row[1], row[2]) for row in rows(tmp_path, "skus")])
    assert has_duplicates([(row[1], row[2]) for row in rows(tmp_path, "related")])


def has_duplicates(values):
    return len(set(values)) < len(values)


def test_a_tiny_dirty_catalogue_has_a_line_to_repair_and_one_to_reject(tmp_path):
    generate(tmp_path, 20, dirty=True)
    assert faults(tmp_path) == {("photos", REPAIR): 1, ("related", "unknown product"): 1}


@pytest.mark.parametrize("products", [1, 5, 300])
def test_dirt_at_other_sizes(tmp_path, products):
    generate(tmp_path, products, dirty=True)
    unclosed = {
        int(line.split(",")[0]) for line in lines(tmp_path, "photos") if not is_closed(line)
    }
    assert unclosed == set(UNCLOSED_PHOTOS) & set(keys(tmp_path, "photos")) or unclosed == {1}
    assert [row[2] for row in rows(tmp_path, "related")].count("0") == 1


def test_the_full_set_refers_to_product_0_in_58_rows():
    related = plan(FULL)["related"]
    zeros = zero_rows(related, FULL)
    assert len(set(zeros)) == 58
    assert all(0 <= row < related for row in zeros)


def test_dirt_replaces_lines_and_leaves_the_others(tmp_path):
    generate(tmp_path / "clean", 1000)
    generate(tmp_path / "dirty", 1000, dirty=True)
    for table, changed in {"photos": 10, "related": 1, "products": 0, "skus": 0}.items():
        pairs = zip(lines(tmp_path / "clean", table), lines(tmp_path / "dirty", table), strict=True)
        assert sum(clean != dirty for clean, dirty in pairs) == changed


# Writing


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        generate(tmp_path / name, 1000, seed=7, dirty=True)
    generate(tmp_path / "other", 1000, seed=8, dirty=True)
    assert digests(tmp_path / "one") == digests(tmp_path / "two")
    assert not set(digests(tmp_path / "one").values()) & set(digests(tmp_path / "other").values())


def test_a_seed_names_the_same_catalogue_on_every_machine(tmp_path):
    # If this fails, the words or the allocation changed: say so in the changelog.
    generate(tmp_path, 100, seed=1, dirty=True)
    everything = "".join(digest for _, digest in sorted(digests(tmp_path).items()))
    assert hashlib.sha256(everything.encode()).hexdigest() == (
        "99ae53b24df878808477f341b390ce58d2c94f0dc4e4d90b38f2797405e50d9c"
    )


class Told(Progress):
    """Notes the files that are begun, and the parts of them that are done."""

    def __init__(self):
        self.sizes, self.parts = {}, {}

    def begin_file(self, what, size, unit="bytes"):
        self.sizes[what] = size, unit
        self.part = self.parts[what] = []

    def advance(self, size):
        self.part.append(size)


def test_progress_ends_at_the_rows_of_every_table(tmp_path):
    told = Told()
    written = generate(tmp_path, 3000, progress=told)
    assert told.sizes == {f"writing {table}": (count, "rows") for table, count in written.items()}
    assert {what: sum(parts) for what, parts in told.parts.items()} == {
        f"writing {table}": count for table, count in written.items()
    }
    assert sum(map(len, told.parts.values())) > len(written)


def test_an_interrupted_run_leaves_the_files_that_were_there(tmp_path):
    generate(tmp_path, 10)
    before = digests(tmp_path)

    class Interrupted(Told):
        def advance(self, size):
            if "writing skus" in self.sizes:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(tmp_path, 20, progress=Interrupted())
    assert digests(tmp_path) == before
    assert len(list(tmp_path.iterdir())) == 6


def test_a_folder_that_cannot_be_made_is_an_os_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        generate(tmp_path / "file", 1)
