"""Pictures of training runs show the numbers they were given."""

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="needs matplotlib: python3 course.py setup")

from coursekit import viz
from coursekit.train.history import History

pytestmark = pytest.mark.filterwarnings("error")


def history(seed=0, epochs=4, steps=40, **changes):
    rng = np.random.default_rng(seed)
    plain = {
        "losses": (2.3 * np.exp(-np.arange(steps) / 10) + 0.1 * rng.random(steps)).tolist(),
        "training_accuracy": np.linspace(0.5, 0.9, epochs).tolist(),
        "validation_accuracy": (np.linspace(0.5, 0.8, epochs) + 0.01 * seed).tolist(),
    }
    return History(**plain | changes)


def drawn(figure):
    """Draw it, so that what is wrong with it shows, and return its panels."""
    viz.data_uri(figure, dpi=40)
    return figure.axes


def bands(panel):
    return [each.get_paths()[0].vertices for each in panel.collections]


def test_line_is_the_mean_and_band_the_range_of_the_seeds():
    seeds = [[4, 2, 1], [6, 3, 1], [5, 7, 1]]
    (panel,) = drawn(viz.curves_figure({"a": seeds}, ylabel="error (%)"))
    (line,) = panel.lines
    assert line.get_xdata().tolist() == [1, 2, 3]
    assert line.get_ydata().tolist() == [5, 4, 1]
    corners = bands(panel)[0]
    assert [(y.min(), y.max()) for x in (1, 2) for y in [corners[corners[:, 0] == x, 1]]] == [(4, 6), (2, 7)]
    assert panel.get_legend().get_texts()[0].get_text() == "a, 3 seeds"
    assert "lowest to highest" in panel.get_legend().get_title().get_text()
    assert panel.get_ylabel() == "error (%)"


def test_a_single_seed_has_no_band():
    (panel,) = drawn(viz.curves_figure({"a": [[3, 2]]}, ylabel="y"))
    assert not panel.collections
    assert panel.get_legend().get_title().get_text() == ""


def test_mean_of_unequal_seeds_stops_with_the_shortest():
    (panel,) = drawn(viz.curves_figure({"a": [[4, 2], [6, 4, 1, 0.5]]}, ylabel="y", yscale="log"))
    mean, rest = panel.lines
    assert mean.get_ydata().tolist() == [5, 3]
    assert rest.get_xdata().tolist() == [2, 3, 4]
    assert rest.get_ydata().tolist() == [4, 1, 0.5]


@pytest.mark.parametrize("span", [(0.62, 0.9), (0.5, 1.4), (3, 14), (0.01, 90)])
def test_a_logarithmic_scale_has_several_plain_numbers(span):
    figure = viz.curves_figure({"a": [span]}, ylabel="y", yscale="log")
    (panel,) = drawn(figure)
    low, high = panel.get_ylim()
    texts = [
        text for value, text in zip(panel.get_yticks(), panel.get_yticklabels(), strict=True) if low <= value <= high
    ]
    assert len(texts) >= 2
    assert all(float(text.get_text()) > 0 for text in texts)
    assert all(value == int(value) for value in panel.get_xticks())


def test_curves_are_told_apart_by_colour_and_dashes():
    (panel,) = drawn(viz.curves_figure({name: [[2, 1]] for name in "abc"}, ylabel="y"))
    assert len({line.get_color() for line in panel.lines}) == len({line.get_linestyle() for line in panel.lines}) == 3


def test_histories_show_smoothed_losses_and_errors():
    seeds = [history(0, steps=200), history(1, steps=200)]
    losses, errors = drawn(viz.histories_figure({"ours": seeds}))
    x, y = losses.lines[0].get_data()
    middle = np.mean([np.mean(each.losses[97:103]) for each in seeds])  # 3 % of 200 steps are 6
    assert y[x.tolist().index(101)] == pytest.approx(middle)
    names = [text.get_text() for text in errors.get_legend().get_texts()]
    assert names == ["ours, training", "ours, validation"]
    assert errors.lines[0].get_ydata() == pytest.approx(100 - 100 * np.linspace(0.5, 0.9, 4))
    assert errors.lines[1].get_ydata() == pytest.approx(99.5 - 100 * np.linspace(0.5, 0.8, 4))
    assert len(bands(errors)) == 2


@pytest.mark.parametrize("steps", [60, 2200, 55_000])
def test_the_numbers_below_a_history_do_not_run_into_each_other(steps):
    figure = viz.histories_figure({"ours": history(steps=steps)})
    figure.canvas.draw()
    for panel in figure.axes:
        boxes = [label.get_window_extent() for label in panel.get_xticklabels()]
        assert len(boxes) >= 3
        assert all(left.x1 + 4 < right.x0 for left, right in pairwise(boxes))


@pytest.mark.parametrize(
    "group",
    [
        history(epochs=1, steps=1),
        history(validation_accuracy=[]),
        history(training_accuracy=[], validation_accuracy=[]),
        history(training_accuracy=[1.0] * 4, validation_accuracy=[1.0] * 4),
        history(training_accuracy=[0.9, 0.99, 1.0, 1.0]),
        [history(0, epochs=4), history(1, epochs=3, steps=30)],
        history(losses=[2.3, float("nan"), float("nan")]),
    ],
    ids=["one step", "no validation", "no accuracy", "no error", "perfect", "stopped early", "nan"],
)
def test_histories_of_every_kind(group):
    losses, errors = drawn(viz.histories_figure({"a": group}))
    assert losses.lines
    assert len(errors.lines) <= 4


def test_the_numpy_trainers_history_can_be_drawn():
    from coursekit.nn.networks import SimpleConvNet
    from coursekit.train import fit

    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=(20, 1, 10, 10)), np.arange(20) % 3
    conv = {"filter_num": 2, "filter_size": 3, "pad": 0, "stride": 1}
    network = SimpleConvNet((1, 10, 10), conv, hidden_size=4, output_size=3, seed=0, dtype=np.float64)
    run = fit(network, x, labels, epochs=2, batch_size=10, validation=(x, labels), progress=False)
    errors = drawn(viz.histories_figure({"tiny": run}))[1]
    assert errors.lines[1].get_ydata() == pytest.approx([100 * (1 - each) for each in run.validation_accuracy])


def test_confusion_matrix_counts_pairs():
    rng = np.random.default_rng(0)
    labels, predictions = rng.integers(0, 7, 500), rng.integers(0, 7, 500)
    counts = viz.confusion_matrix(labels, predictions, 7)
    assert all(counts[i, j] == sum((labels == i) & (predictions == j)) for i in range(7) for j in range(7))
    assert np.array_equal(counts.sum(axis=1), np.bincount(labels, minlength=7))
    assert viz.confusion_matrix(np.array([], int), np.array([], int), 3).tolist() == [[0] * 3] * 3


def test_bytes_do_not_run_over_in_a_confusion_matrix():
    labels = np.full(3, 99, np.uint8)
    assert viz.confusion_matrix(labels, labels, 100)[99, 99] == 3


def test_confusion_figure_writes_rows_as_true_classes():
    counts = np.array([[5, 2, 0], [0, 7, 0], [1, 0, 9]])
    (panel,) = drawn(viz.confusion_figure(counts, ["cat", "dog", "parrot"]))
    written = {text.get_position(): text.get_text() for text in panel.texts}
    assert written == {(0, 0): "5", (1, 0): "2", (1, 1): "7", (0, 2): "1", (2, 2): "9"}  # (column, row)
    assert (panel.get_xlabel(), panel.get_ylabel()) == ("prediction", "true class")
    assert [each.get_text() for each in panel.get_yticklabels()] == ["cat", "dog", "parrot"]
    mistakes = panel.images[0].get_array()
    assert mistakes.compressed().tolist() == [2, 1]


def test_confusion_of_many_classes_has_a_scale_in_place_of_numbers():
    panel, scale = drawn(viz.confusion_figure(np.eye(100, dtype=int)))
    assert not panel.texts
    assert scale.get_ylabel() == "images"


def test_ladder_states_multiples_of_the_first_step():
    (panel,) = drawn(viz.ladder_figure({"slow": 2000, "fast": 50_000}))
    assert [text.get_text() for text in panel.texts] == ["2,000  (1×)", "50,000  (25×)"]
    assert [bar.get_width() for bar in panel.patches] == [2000, 50_000]
    assert panel.yaxis_inverted()


def test_surest_mistakes_come_first_with_their_names():
    images = np.random.default_rng(0).integers(0, 256, (4, 3, 5, 6), dtype=np.uint8)
    figure = viz.mistakes_figure(
        images,
        np.array([0, 1, 2, 0]),
        np.array([0, 2, 1, 1]),
        names=("cat", "dog", "bird"),
        sureness=np.array([0.99, 0.5, 0.6, 0.9]),
        most=2,
    )
    panels = drawn(figure)
    assert [[text.get_text() for text in panel.texts] for panel in panels] == [["cat", "dog"], ["bird", "dog"]]
    assert np.array_equal(panels[0].images[0].get_array(), images[3].transpose(1, 2, 0))


def test_tiles_with_a_single_channel():
    tiles = np.random.default_rng(0).random((3, 1, 4, 5))
    panels = drawn(viz.tiles_figure(tiles))
    assert np.array_equal(panels[2].images[0].get_array(), tiles[2, 0])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: viz.curves_figure({}, ylabel="y"), "runs is empty"),
        (lambda: viz.curves_figure({"a": []}, ylabel="y"), r"curves of 'a' have the shapes \[\]"),
        (lambda: viz.curves_figure({"a": [1, 2]}, ylabel="y"), r"shapes \[\(\), \(\)\]: expected at least one seed"),
        (lambda: viz.curves_figure({"a": [[1], []]}, ylabel="y"), r"shapes \[\(1,\), \(0,\)\]"),
        (lambda: viz.histories_figure({}), "histories is empty"),
        (lambda: viz.histories_figure({"a": []}), "histories of 'a'"),
        (lambda: viz.histories_figure({"a": History()}), "a history of 'a' has no step"),
        (lambda: viz.confusion_matrix(np.arange(3), np.arange(2), 3), r"shape \(3,\), predictions \(2,\)"),
        (
            lambda: viz.confusion_matrix(np.arange(3), np.arange(3), 2),
            "from 0 to 2: expected whole numbers from 0 to 1",
        ),
        (lambda: viz.confusion_matrix(np.array([-1]), np.array([0]), 2), "labels are int64 from -1 to -1"),
        (lambda: viz.confusion_matrix(np.array([0]), np.array([0.5]), 2), "predictions are float64"),
        (lambda: viz.confusion_figure(np.zeros((2, 3))), r"counts have shape \(2, 3\)"),
        (lambda: viz.confusion_figure(np.eye(2), ["a"]), "1 names for 2 classes"),
        (lambda: viz.ladder_figure({}), "rates is empty"),
        (lambda: viz.ladder_figure({"a": 1, "b": 0}), "expected speeds above zero"),
        (lambda: viz.tiles_figure(np.zeros((2, 2, 3, 3))), r"\(n, C, H, W\) with C 1 or 3"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_any_object_with_these_lists_is_a_history():
    plain = SimpleNamespace(losses=[2.0, 1.0], training_accuracy=[], validation_accuracy=[0.5])
    assert len(drawn(viz.histories_figure({"a": plain}))[1].lines) == 1
