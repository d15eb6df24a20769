"""What holds for every picture: an example with output, an alt text, and no trace in a network."""

import doctest
import inspect

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="needs matplotlib: python3 course.py setup")
torch = pytest.importorskip("torch", reason="needs PyTorch: python3 course.py setup")

from torch import nn

from coursekit import viz

PUBLIC = {name: getattr(viz, name) for name in viz.__all__ if callable(getattr(viz, name))}
SHOWS = {name: call for name, call in PUBLIC.items() if name.startswith("show") or name.endswith("_plot")}
WITH_NETWORK = sorted(name for name, call in PUBLIC.items() if "network" in inspect.signature(call).parameters)


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("name", PUBLIC)
def test_everything_public_has_an_example_with_output(name):
    """That they run is tested where they stand: pytest collects them."""
    examples = doctest.DocTestParser().get_examples(inspect.getdoc(PUBLIC[name]))
    assert any(example.want for example in examples)
    assert not any(example.options.get(doctest.SKIP) for example in examples)


@pytest.mark.parametrize("name", SHOWS)
def test_what_is_shown_has_an_alt_text(name):
    """Asked for, or made from the data where it may be left out."""
    alt = inspect.signature(SHOWS[name]).parameters["alt"]
    assert alt.default in (inspect.Parameter.empty, None)


def test_a_figure_for_each_show():
    """What can be shown can be had as a figure too, for a page or a paper; grids are too small to need it."""
    others = {"show", "show_grid", "show_matrix", "show_places"}
    renamed = {
        "show_heatmaps": "heatmap_figure", "show_frequencies": "frequency_figure", "show_overlap": "overlap_film",
    }  # fmt: skip
    for name in SHOWS.keys() - others:
        stem = name.removeprefix("show_").removesuffix("_plot")
        assert renamed.get(name, f"{stem}_figure") in PUBLIC


# No trace


def tiny():
    """A small classifier in a mixed mode, with one frozen weight."""
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.Conv2d(4, 4, 3, padding=1),
        nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5),
    ).train()  # fmt: skip
    network[1].eval()
    network[3].weight.requires_grad_(False)
    return network


def weights(network):
    return {name: value.clone() for name, value in network.state_dict().items()}


RUNS = {
    "activation_strip_figure": lambda n, x: viz.activation_strip_figure(n, x[0]),
    "activations": lambda n, x: viz.activations(n, x[0]),
    "codes": lambda n, x: viz.codes(n, x),
    "dead_maps": lambda n, x: viz.dead_maps(n, x),
    "deconvnet": lambda n, x: viz.deconvnet(n, x),
    "deep_dream": lambda n, x: viz.deep_dream(n, x, "3", octaves=1, steps=1, jitter=1),
    "effective_field": lambda n, x: viz.effective_field(n, "3", inputs=x),
    "fgsm": lambda n, x: viz.fgsm(n, x),
    "first_layer_filters": lambda n, x: viz.first_layer_filters(n),
    "grad_cam": lambda n, x: viz.grad_cam(n, x),
    "gradient_norms": lambda n, x: viz.gradient_norms(n, x, torch.tensor([1, 2])),
    "guided_backprop": lambda n, x: viz.guided_backprop(n, x),
    "input_gradient": lambda n, x: viz.input_gradient(n, x),
    "integrated_gradients": lambda n, x: viz.integrated_gradients(n, x, steps=2),
    "invert_features": lambda n, x: viz.invert_features(n, x, "3", steps=1),
    "layer_fields": lambda n, x: viz.layer_fields(n, tuple(x.shape[1:])),
    "line_of_losses": lambda n, x: viz.line_of_losses(n, weights(n), weights(n), (x, torch.tensor([1, 2])), points=3),
    "maximal_patches": lambda n, x: viz.maximal_patches(n, "4", 0, x, count=2),
    "maximise_activation": lambda n, x: viz.maximise_activation(n, x, 1, steps=1, jitter=1),
    "occlusion": lambda n, x: viz.occlusion(n, x, window=4, stride=4),
    "pgd": lambda n, x: viz.pgd(n, x, steps=1),
    "randomised": lambda n, x: viz.randomised(n, "7"),
    "saliency": lambda n, x: viz.saliency(n, x),
    "sanity_check": lambda n, x: viz.sanity_check(n, x, viz.saliency, layers=2),
    "show_activation_strip": lambda n, x: viz.show_activation_strip(n, x[0]),
    "smooth_grad": lambda n, x: viz.smooth_grad(n, x, samples=2),
}


def test_every_function_that_runs_a_network_is_in_the_table():
    given_ready_made = {"pictures_of", "pixel_bounds"}  # read its range, and do not run it
    assert sorted(RUNS) == [name for name in WITH_NETWORK if name not in given_ready_made]


KINDS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


@pytest.mark.parametrize("name", RUNS)
def test_no_hook_no_gradient_and_the_mode_it_came_in(name):
    network, images = tiny(), torch.rand(2, 3, 12, 12, generator=torch.Generator().manual_seed(0))
    before, given, drawn = weights(network), images.clone(), torch.get_rng_state()
    modes, wanted = [p.training for p in network.modules()], [p.requires_grad for p in network.parameters()]
    RUNS[name](network, images)
    assert sum(len(getattr(part, kind)) for part in network.modules() for kind in KINDS) == 0
    assert all(p.grad is None for p in network.parameters())
    assert [part.training for part in network.modules()] == modes
    assert [p.requires_grad for p in network.parameters()] == wanted
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    assert torch.equal(images, given)
    assert images.grad is None
    assert not images.requires_grad
    assert torch.equal(torch.get_rng_state(), drawn)
    assert torch.is_grad_enabled()


def test_mistakes_are_as_wide_as_a_notebook():
    labels = np.zeros(40, int)
    figure = viz.mistakes_figure(np.zeros((40, 4, 4)), labels, labels + 1)
    assert figure.get_figwidth() <= 8.0
