"""`flask bench features` measures each feature and says so."""

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.features import FEATURES


def test_every_feature_is_measured(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "flask", "bench", "features", "--rounds", "1"]
    done = subprocess.run(
        [*command, "--output", tmp_path], capture_output=True, text=True, check=True
    )
    result = json.loads((tmp_path / "features.json").read_text("utf-8"))
    features = result["features"]
    assert list(features) == list(FEATURES)
    assert features["bare Flask"]["added_microseconds"] == 0
    assert all(figures["microseconds"] > 0 for figures in features.values())
    assert all(name in done.stdout for name in features)
