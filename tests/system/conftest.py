"""What several modules ask; one that needs more hosts or rows has a `fleet` of its own."""

from collections.abc import Iterator

import pytest

from tests.catalogue import publish
from tests.conftest import Database
from tests.system.fleet import NGINX, Fleet, cluster

ROWS = {
    "products": [(product, "Onesie", "Blend in", None, "Jackets", "140") for product in (1, 2, 3)]
}


# The one that `pip` installs is asked in every test run.
VERSIONS = [
    pytest.param(version, marks=[] if version == "wheel" else pytest.mark.slow) for version in NGINX
]


@pytest.fixture(scope="module", params=VERSIONS)
def fleet(
    request: pytest.FixtureRequest,
    shared_database: Database,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Fleet]:
    """One host behind each version of nginx."""
    publish(shared_database.etl, ROWS, tmp_path_factory)
    with cluster(shared_database, 1, request.param) as fleet:
        yield fleet
