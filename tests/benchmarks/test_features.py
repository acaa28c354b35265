"""`flask bench features` measures each feature and says so."""

from pathlib import Path

from benchmarks.features import FEATURES
from tests.benchmarks.bench import result, run


def test_every_feature_is_measured(tmp_path: Path) -> None:
    done = run(None, "features", "--rounds", "1", "--output", tmp_path)
    features = result(tmp_path, "features")["features"]
    assert list(features) == list(FEATURES)
    assert features["bare Flask"]["added_microseconds"] == 0
    assert all(figures["microseconds"] > 0 for figures in features.values())
    assert all(name in done.stdout for name in features)
