"""The built wheel, in an environment of its own and far from the checkout, loads and serves."""

import json
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.catalogue import write_catalogue
from tests.conftest import PATIENT, Database
from tests.programs import ROOT, environment, free_port
from tests.system.service import running
from tests.waiting import HANG

PACKAGES = ["products_service", "etl", "benchmarks"]
ROWS = {
    "products": [(1, "Onesie", "Blend in", "Camouflage", "Jackets", "140")],
    "features": [(1, 1, "Fabric", "Canvas")],
    "styles": [(1, 1, "Forest", None, "140", True)],
    "photos": [(1, 1, "https://e.example/1", "https://e.example/1t")],
    "skus": [(1, 1, "XS", 8)],
    "related": [(1, 1, 1)],
}

PRODUCT = {
    "id": 1,
    "name": "Onesie",
    "slogan": "Blend in",
    "description": "Camouflage",
    "category": "Jackets",
    "default_price": "140",
}
STYLE = {
    "style_id": 1,
    "name": "Forest",
    "original_price": "140",
    "sale_price": None,
    "default?": True,
    "photos": [{"thumbnail_url": "https://e.example/1t", "url": "https://e.example/1"}],
    "skus": {"1": {"quantity": 8, "size": "XS"}},
}
ANSWERS = {
    "/products": [PRODUCT],
    "/products/1": PRODUCT | {"features": [{"feature": "Fabric", "value": "Canvas"}]},
    "/products/1/styles": {"product_id": "1", "results": [STYLE]},
    "/products/1/related": [1],
    "/ready": {"load": 1},
}


def run(*command: str | Path, **options) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=HANG, check=False, **options
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built of a copy: building leaves things beside the sources."""
    folder = tmp_path_factory.mktemp("build")
    sources = folder / "sources"
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, sources / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, sources)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    run(*pip, "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, sources)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that has the wheel, and what it needs from ours."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python]
    run(*pip, "install", "--quiet", "--no-deps", "--no-index", wheel)
    # Searched after its own. An editable installation in there is not followed: that takes a
    # .pth file, and those count in an environment's own folder only.
    purelib = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    Path(purelib, "ours.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


def test_wheel_has_every_file_of_the_packages(wheel: Path) -> None:
    expected = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        # What benchmarks have measured stands beside them and is not part of them.
        if path.is_file() and not {"__pycache__", "results"} & set(path.parts)
    }
    assert any(name.endswith(".sql") for name in expected)
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == expected


def test_wheel_loads_and_serves(
    python: Path, clone: Callable[[], Database], tmp_path: Path
) -> None:
    database = clone()
    env = environment(database)
    for package in PACKAGES:
        place = run(python, "-c", f"import {package}; print({package}.__file__)", cwd=tmp_path)
        assert Path(place.strip()).is_relative_to(python.parents[1])

    folder = write_catalogue(tmp_path / "catalogue", ROWS)
    said = run(python, "-m", "flask", "etl", "load", folder, cwd=tmp_path, env=env)
    assert "Published as load 1" in said

    # What a release folder has beside the wheel.
    shutil.copy(ROOT / "gunicorn.conf.py", tmp_path)
    port = free_port()
    argv = [str(python), "-m", "gunicorn", "-c", "gunicorn.conf.py"]
    argv += ["products_service:create_app()"]
    with running(argv, port, cwd=tmp_path, env=env | PATIENT | {"PORT": str(port)}) as service:
        for path, expected in ANSWERS.items():
            reply = service.get(path)
            assert reply.status == 200
            assert json.loads(reply.body) == expected
        page = service.get("/")
        assert page.status == 200
        files = re.findall(rb'"(/static/.+?)"', page.body)
        assert files
        for path in files:
            assert service.get(path.decode()).status == 200
