"""Gradients by depth, spread activations and the line between two solutions are what they say."""

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="needs matplotlib: python3 course.py setup")

from coursekit import nn, viz

pytestmark = pytest.mark.filterwarnings("error")
RNG = np.random.default_rng(0)
IMAGES, LABELS = RNG.random((6, 1, 12, 12)).astype(np.float32), np.arange(6) % 3


def simple(seed=0):
    return nn.SimpleConvNet((1, 12, 12), {"filter_num": 4}, hidden_size=6, output_size=3, seed=seed)


def with_norm(torch):
    torch.manual_seed(0)
    torch.set_num_threads(1)
    part = torch.nn.Conv2d(1, 4, 5), torch.nn.BatchNorm2d(4), torch.nn.ReLU(), torch.nn.Flatten()
    return torch.nn.Sequential(*part, torch.nn.Linear(256, 3))


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="needs torch: python3 course.py setup")


def test_norms_are_those_of_the_gradients():
    network = simple()
    grads = network.gradient(IMAGES, LABELS)
    norms = viz.gradient_norms(network, IMAGES, LABELS)
    assert list(norms) == ["W1", "W2", "W3"]
    assert norms["W2"] == pytest.approx(np.sqrt(np.sum(grads["W2"] ** 2)), rel=1e-5)


def test_norms_of_a_numpy_network_leave_running_statistics_alone():
    convolution = nn.Convolution(RNG.normal(size=(2, 1, 3, 3)))
    layers = [convolution, nn.BatchNorm(np.ones(2), np.zeros(2)), nn.Affine(RNG.normal(size=(200, 3)), np.zeros(3))]
    network = nn.Sequential(layers)
    before = {name: value.copy() for name, value in network.buffers.items()}
    viz.gradient_norms(network, IMAGES.astype(float), LABELS)
    assert before
    assert all(np.array_equal(network.buffers[name], value) for name, value in before.items())


def test_norms_of_a_module_leave_no_trace(torch):
    module = with_norm(torch).eval()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    norms = viz.gradient_norms(module, IMAGES, LABELS)
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert not any(part.training for part in module.modules())
    assert all(parameter.grad is None for parameter in module.parameters())
    module.train()
    torch.nn.functional.cross_entropy(module(torch.from_numpy(IMAGES)), torch.from_numpy(LABELS)).backward()
    assert norms == pytest.approx({name: float(module.get_parameter(name).grad.norm()) for name in norms}, rel=1e-4)
    assert list(norms) == ["0.weight", "4.weight"]


def test_norm_figure_has_a_line_for_each_network():
    (panel,) = viz.gradient_norms_figure({"a": {"W1": 1e-6, "W2": 1.0}, "b": {"W1": 0.5, "W2": 0.6}}).axes
    assert [list(line.get_ydata()) for line in panel.lines] == [[1e-6, 1.0], [0.5, 0.6]]
    assert panel.get_yscale() == "log"
    assert [tick.get_text() for tick in panel.get_xticklabels()] == ["W1", "W2"]


def test_histograms_count_every_number_of_the_middle():
    rows = {"small": {"1": RNG.normal(size=1000), "2": np.zeros((10, 10))}, "large": {"1": np.ones(5), "2": np.ones(5)}}
    figure = viz.histograms_figure(rows)
    assert len(figure.axes) == 4
    shares = figure.axes[0].patches[0].get_data().values
    assert 99 < shares.sum() <= 100
    assert figure.axes[1].get_title() == "2\nstd 0, zero 100 %"
    viz.data_uri(figure, dpi=40)


def test_line_runs_through_both_solutions():
    a, b = simple(0), simple(1)
    line = viz.line_of_losses(a, a.params, b.params, (IMAGES, LABELS), points=4)
    assert line.places.tolist() == pytest.approx([-0.25, 0, 0.25, 0.75, 1, 1.25])
    start, end = (float(line.losses[line.places == place][0]) for place in (0, 1))
    assert (start, end) == pytest.approx((a.loss(IMAGES, LABELS), b.loss(IMAGES, LABELS)), rel=1e-6)


def test_the_middle_of_the_line_is_the_mean_of_the_weights():
    a, b, middle = simple(0), simple(1), simple(2)
    for network in (a, b):
        network.params["W3"][...] *= 100  # so that the losses differ
    for name in middle.params:
        middle.params[name] = (a.params[name] + b.params[name]) / 2
    line = viz.line_of_losses(middle, a.params, b.params, (IMAGES, LABELS), points=3, beyond=0)
    assert line.losses[1] == pytest.approx(middle.loss(IMAGES, LABELS), rel=1e-5)


def test_weights_come_back_from_the_line():
    a, b = simple(0), simple(1)
    before = {name: value.copy() for name, value in a.params.items()}
    viz.line_of_losses(a, a.params, b.params, (IMAGES, LABELS), points=3)
    assert all(np.array_equal(a.params[name], value) for name, value in before.items())
    with pytest.raises(ValueError, match="labels"):
        viz.line_of_losses(a, a.params, b.params, (IMAGES, LABELS[:2]), points=3)
    assert all(np.array_equal(a.params[name], value) for name, value in before.items())


def test_line_of_a_module_runs_as_in_use(torch):
    module, other = with_norm(torch), with_norm(torch)
    other.load_state_dict({k: v + 0.1 if v.is_floating_point() else v for k, v in module.state_dict().items()})
    before = {name: value.clone() for name, value in module.state_dict().items()}
    line = viz.line_of_losses(module, module.state_dict(), other.state_dict(), (IMAGES, LABELS), points=3, beyond=0)
    assert module.training
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    with torch.no_grad():
        ends = [
            float(torch.nn.functional.cross_entropy(net.eval()(torch.from_numpy(IMAGES)), torch.from_numpy(LABELS)))
            for net in (module, other)
        ]
    assert line.losses[[0, -1]] == pytest.approx(ends, rel=1e-5)


def test_line_figure_marks_both_ends():
    line = viz.LineOfLosses(np.array([-0.5, 0, 0.5, 1, 1.5]), np.array([9.0, 1, 4, 2, 9]))
    assert line.barrier == pytest.approx(2.5)
    (panel,) = viz.line_of_losses_figure({"test": line}, ends=("start", "end")).axes
    assert panel.lines[1].get_ydata().tolist() == [1, 2]
    assert [text.get_text() for text in panel.texts] == ["start", "end"]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda a, b: viz.gradient_norms_figure({"a": {}}), "network without a layer"),
        (lambda a, b: viz.histograms_figure({}), "rows of no layers"),
        (lambda a, b: viz.histograms_figure({"a": {"1": np.ones(2)}, "b": {}}), r"rows of \[0, 1\] layers"),
        (lambda a, b: viz.line_of_losses(a, a.params, b.params, (IMAGES, LABELS), points=2), "points is 2"),
        (lambda a, b: viz.line_of_losses(a, a.params, {}, (IMAGES, LABELS)), "only one of"),
        (lambda a, b: viz.line_of_losses(a, {"W1": 0}, {"W1": 0}, (IMAGES, LABELS)), "do not agree about W2"),
        (lambda a, b: viz.line_of_losses_figure({}), "lines is empty"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call(simple(0), simple(1))


def test_results_speak_for_themselves(capsys):
    viz.show_confusion(np.eye(3, dtype=int))
    viz.show_curves({"a": [[3, 1]]}, ylabel="loss", alt="my own words")
    assert capsys.readouterr().out == "Confusion matrix of 3 classes: 3 of 3 right.\nmy own words\n"
