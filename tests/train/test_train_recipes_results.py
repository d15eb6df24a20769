"""Results as files, and several of them as one line."""

import json
import re
from dataclasses import replace
from math import isnan, sqrt
from pathlib import Path
from statistics import stdev

import pytest

from coursekit import train
from coursekit.train.cookbook.summary import T_95


@pytest.fixture(scope="module")
def result():
    return train.run("simpleconvnet", images=150, epochs=2, held_out=50, progress=False)


def test_a_result_comes_back_from_its_file(result, tmp_path):
    path = tmp_path / "one.json"
    train.save_results([result, replace(result, seed=1)], path)
    back = train.load_results(path)
    assert [each.seed for each in back] == [0, 1]
    assert back[0].as_dict() == result.as_dict()
    assert back[0].history.losses == pytest.approx(result.history.losses, rel=1e-5)
    assert back[0].network is None
    train.save_results(back, tmp_path / "two.json")
    assert path.read_bytes() == (tmp_path / "two.json").read_bytes()


def test_a_result_says_how_it_came_about(result):
    plain = json.loads(json.dumps(result.as_dict()))
    assert {"python", "numpy", "torch", "coursekit"} == set(plain["versions"])
    assert plain["options"]["optimiser"] == "adam"
    assert "cores" in plain["device"]
    assert plain["threads"] >= 1
    assert {"setup", "training", "evaluation"} == set(plain["cpu_seconds"])
    assert "network" not in plain


def test_what_is_no_result_is_refused(tmp_path):
    path = tmp_path / "other.json"
    for text, message in (
        ("{", "is no JSON"),
        ("[]", "holds no coursekit training results 1"),
        ('{"format": "coursekit training results 1", "results": [{"history": {}}]}', "this is no result"),
    ):
        path.write_text(text)
        with pytest.raises(ValueError, match=message):
            train.load_results(path)


def test_standard_error_is_that_of_the_test_pictures(result):
    p = result.test_accuracy
    assert result.standard_error == pytest.approx(sqrt(p * (1 - p) / 50))
    with pytest.raises(ValueError, match="has read no test pictures"):
        _ = replace(result, test_accuracy=None).standard_error


def test_summary_over_seeds(result):
    read = (0.990, 0.992, 0.997)
    results = [replace(result, seed=seed, test_accuracy=p, test_images=10_000) for seed, p in enumerate(read)]
    (line,) = train.summary(results)
    assert (line.seeds, line.mean) == (3, pytest.approx(0.993))
    assert line.sd == pytest.approx(stdev(read))
    assert line.interval[1] - line.mean == pytest.approx(4.303 * stdev(read) / sqrt(3))
    assert line.test_error == pytest.approx(sqrt(0.993 * 0.007 / 10_000))
    assert re.search(r" 99\.30 % +98\.40 to 100\.20 +± 0\.08 ", train.summary_text([line]))


def test_one_seed_has_no_interval(result):
    (line,) = train.summary([result])
    assert isnan(line.sd)
    assert isnan(line.interval[0])
    assert "  -  " in train.summary_text([line])


def test_networks_are_summed_apart_and_unlike_runs_refused(result):
    assert [line.case for line in train.summary([result, replace(result, case="other")])] == ["simpleconvnet", "other"]
    longer = replace(result, seed=1, options={**result.options, "epochs": 9})
    with pytest.raises(ValueError, match=r"differ in epochs \(2 and 9\)"):
        train.summary([result, longer])
    with pytest.raises(ValueError, match=r"differ in images \(150 and 7\)"):
        train.summary([result, replace(result, seed=1, images=7)])
    with pytest.raises(ValueError, match=r"hold a seed twice \(\[0, 0\]\)"):
        train.summary([result, result])


@pytest.mark.slow
def test_student_t_agrees_with_scipy():
    stats = pytest.importorskip("scipy.stats")
    assert [round(float(stats.t.ppf(0.975, df)), 3) for df in range(1, len(T_95) + 1)] == list(T_95)


STORED = sorted((Path(train.__file__).parent / "stored").glob("*.json"))


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_stored_results_are_those_of_their_recipe(path):
    lines = train.summary(train.stored(path.stem))
    assert lines
    assert {line.recipe for line in lines} == {path.stem.removesuffix("-quick")}


def test_unknown_stored_results():
    with pytest.raises(ValueError, match=r"no results of 'simpleconvne' are stored: there are .*simpleconvnet"):
        train.stored("simpleconvne")
