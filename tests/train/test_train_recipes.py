"""Every recipe runs, in a tiny case of the same code; what cannot be done is refused before anything is."""

import subprocess
import sys
from itertools import islice

import numpy as np
import pytest

torch = pytest.importorskip("torch")
torch.set_num_threads(1)

from coursekit import train
from coursekit.train.cookbook import plan as plans
from coursekit.train.cookbook.gradients import GradientNorms
from coursekit.train.cookbook.networks import digit_net_deep, make
from coursekit.train.cookbook.pictures import pictures, shrunk, synthetic

TINY = dict(images=100, held_out=60, epochs=1, device="cpu", progress=False)
OTHERWISE = {
    "simpleconvnet": {"device": "auto"},
    "cifar10": {"data": "photos"},  # no download: pieces of photographs have the same shape
    "imagenet-synthetic": {"images": 4, "batch": 2, "held_out": None},
    "mnist-best": {"images": 20},
    "resnet-mnist": {"images": 20},
    "all-conv": {"images": 20},
    "case-studies": {"images": 20},
}


def tiny(name, **changes):
    return train.run(name, **{**TINY, **OTHERWISE.get(name, {}), **changes})


def all_cases():
    """All of them, but only the first of each network of a recipe among the fast tests: the rest is the same code."""
    for each in train.recipes():
        tried = set()
        for quick in (False, True) if each.quick or each.quick_cases else (False,):
            for case in each.cases_of(quick=quick):
                deep = case.network_options.get("depth", 8) > 20 or case.network == "resnet50"
                key = (case.network, quick and bool(each.quick_cases), case.network_options.get("depth"))
                slow = deep or key in tried or (quick and not each.quick_cases)
                tried.add(key)
                yield pytest.param(each.name, case.name, quick, marks=[pytest.mark.slow] if slow else [])


@pytest.mark.parametrize(("name", "case", "quick"), list(all_cases()))
@pytest.mark.slow
def test_every_recipe_runs(name, case, quick):
    recipe = train.recipe(name)
    rates = recipe.case(case, quick=quick).changes.get("rates", recipe.rates)
    tried = {"rates": rates[:1]} if rates else {}  # of several, one
    result = tiny(name, case=case, quick=quick, seed=2, **tried)
    assert (result.recipe, result.case, result.quick, result.seed) == (name, case, quick, 2)
    steps = -(-result.images // result.options["batch"])
    assert len(result.history.losses) == (steps if result.diverged is None else result.diverged - 1)
    assert recipe.may_diverge or result.diverged is None
    assert result.parameters == sum(value.size for value in arrays(result.network))
    assert result.cpu_seconds["training"] == result.history.cpu_seconds > 0
    assert result.images_per_second > 0 or result.diverged
    assert set(result.seconds) >= {"setup", "training", "evaluation"}
    assert bool(result.rates) == bool(rates)
    assert bool(result.gradients) == bool(recipe.gradients)
    if name != "imagenet-synthetic":
        assert (result.validation_images, result.test_images) == (60, 60)
        assert 0 <= result.test_accuracy <= 1
        assert result.validation_accuracy == pytest.approx(round(result.validation_accuracy * 60) / 60)


def arrays(network):
    if hasattr(network, "params"):
        return list(network.params.values())
    return [value.detach().numpy() for value in network.parameters()]


def test_a_recipe_learns_and_reads_the_test_digits_with_the_network_it_returns():
    result = tiny("mnist-fast", images=1000, epochs=3, held_out=200)
    images, labels = pictures("mnist", "test", first=200)[:2]
    views = train.recipe("mnist-fast").views
    assert result.test_accuracy == train.accuracy(result.network, images, labels, views=views) > 0.7
    assert result.history.validation_accuracy[-1] > 0.7


def test_same_seed_same_numbers():
    one, same, other = (tiny("simpleconvnet", seed=seed) for seed in (1, 1, 2))
    assert one.history.losses == same.history.losses != other.history.losses
    one, same, other = (tiny("mnist-fast", seed=seed) for seed in (1, 1, 2))
    assert one.history.losses == same.history.losses != other.history.losses


@pytest.mark.slow
def test_quick_mnist_is_the_quick_variant():
    result = train.quick_mnist(images=300, progress=False)
    assert (result.recipe, result.quick, result.options["epochs"]) == ("simpleconvnet", True, 2)
    assert len(result.history.losses) == 2 * 3
    assert result.test_images == 10_000
    first = np.random.default_rng(0).normal(0, 0.01, (30, 1, 5, 5)).astype(np.float32)  # weights it began with
    moved = np.abs(result.network.params["W1"] - first).max()
    assert 0 < moved < 0.1


def test_series_yields_all_cases_and_chooses_a_rate_once_for_each():
    options = {**TINY, "images": 50, "quick": True, "rates": (1e-6, 0.05), "held_out": 300}
    found = list(islice(train.series("degradation", seeds=(4, 5), **options), 3))
    assert [(each.case, each.seed) for each in found] == [("plain-8", 4), ("plain-8", 5), ("plain-20", 4)]
    assert set(found[0].rates) == {"1e-06", "0.05"}
    best = float(max(found[0].rates, key=found[0].rates.get))
    assert found[0].rates == found[1].rates
    assert found[0].options["rate"] == found[1].options["rate"] == best
    assert "tuning" in found[0].cpu_seconds
    assert "tuning" not in found[1].cpu_seconds


def test_a_rate_at_which_training_diverges_is_not_chosen():
    result = tiny("degradation", case="plain-8", quick=True, rates=(1e30, 0.05), batch=20)
    assert result.rates["1e+30"] == 0
    assert result.options["rate"] == 0.05


def test_a_stopped_run_is_not_handed_out():
    calls = []

    def stops_in_the_second_run(done):
        calls.append(done)
        if len(calls) > 5 + 3 + 5:  # the trainer asks at five places, then at each of three steps
            raise KeyboardInterrupt
        return 1.0

    options = dict(TINY, images=300, device="auto", schedule=stops_in_the_second_run)
    runs = train.series("simpleconvnet", seeds=range(3), **options)
    found = [next(runs)]
    with pytest.raises(KeyboardInterrupt):
        next(runs)
    assert [each.seed for each in found] == [0]
    assert found[0].options["schedule"].endswith("stops_in_the_second_run")


def test_gradient_lengths_are_those_of_the_gradients():
    network = make("resnet-cifar", seed=0, depth=8, channels=1, width=0.25, classes=10, size=14)
    network(torch.rand(4, 1, 14, 14, generator=torch.Generator().manual_seed(0))).logsumexp(1).sum().backward()
    watch = GradientNorms(10, places=2)
    for step in range(10):
        watch(step, network)
    found = watch.as_dict()
    assert found["steps"] == [0, 9]
    assert found["layers"][0] == "conv1"
    assert len(found["layers"]) == len(found["norms"][0]) == 7  # the first, and two in each of three blocks
    assert found["norms"][0][0] == pytest.approx(float(network.conv1.weight.grad.square().sum() ** 0.5))


def test_made_networks_follow_the_seed_and_leave_randomness_alone():
    torch.manual_seed(7)
    before = torch.get_rng_state()
    one, same, other = (make("digit-net", seed=seed)[0].weight for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert torch.equal(before, torch.get_rng_state())


def test_pooled_twin_has_as_many_parameters_and_equal_shapes():
    options = dict(seed=0, classes=10, channels=1, size=28, width=0.1)
    strided, pooled = make("allconv", **options).eval(), make("allconv-pooled", **options).eval()
    x = torch.rand(1, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    assert [value.shape for value in strided.parameters()] == [value.shape for value in pooled.parameters()]
    maps = [net.features[:9](x).shape for net in (strided, pooled)]  # behind the first of the two shrinking layers
    assert maps[0] == maps[1]
    assert digit_net_deep(classes=3, size=20)(torch.zeros(2, 1, 20, 20)).shape == (2, 3)


def test_pictures_are_shrunk_and_padded():
    image = np.arange(16, dtype=np.uint8).reshape(1, 1, 4, 4)
    assert shrunk(image, 2).tolist() == [[[[2, 4], [10, 12]]]]  # 2.5, 4.5, 10.5 and 12.5, to even
    with pytest.raises(ValueError, match="4 by 4 pixels, expected multiples of 3"):
        shrunk(image, 3)
    small, labels, classes = pictures("mnist", "validation", first=5, shrink=2, pad=1)
    assert small.shape == (5, 1, 16, 16)
    assert not small[:, :, 0].any()
    assert small.any()
    assert (labels.tolist(), classes) == ([1, 2, 8, 7, 4], 10)
    with pytest.raises(
        ValueError, match="images is 5001, expected 1 to 5000: so many has the validation part of mnist"
    ):
        pictures("mnist", "validation", first=5001)
    assert synthetic(2, size=8).images.shape == (2, 3, 8, 8)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("mnist-fats", {}, "there is no recipe 'mnist-fats': did you mean 'mnist-fast'"),
        ("degradation", {}, "degradation compares 8 networks: name one of them as case .*series"),
        ("degradation", dict(case="plain-9"), "case is 'plain-9': did you mean 'plain-8'"),
        ("mnist-fast", dict(epoch=3), "there is no option 'epoch': did you mean 'epochs'"),
        ("mnist-fast", dict(epochs=0), "epochs is 0, expected 1 or more"),
        ("mnist-fast", dict(images=0), "images is 0, expected 1 or more"),
        ("mnist-fast", dict(device="gpu"), "device is 'gpu': expected 'auto', 'cpu'"),
        ("mnist-fast", dict(data="synthetic"), "data is 'synthetic', and mnist-fast is for 'mnist' data only"),
        ("simpleconvnet", dict(device="cuda"), "device is 'cuda', but simpleconvnet is computed by NumPy"),
        ("simpleconvnet", dict(label_smoothing=0.1), r"label_smoothing is 0\.1, but simpleconvnet is computed by"),
        ("simpleconvnet", dict(images=60_000, progress=False), "images is 60000, expected 1 to 55000"),
    ],
)
def test_messages(name, options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        train.run(name, **options)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_missing_gpu_is_noticed_before_the_pictures_are_read():
    with pytest.raises(ValueError, match=r"device is 'cuda', but .*use 'auto' or 'cpu'"):
        train.run("mnist-fast", device="cuda")


def test_without_pytorch_the_message_says_which_recipes_need_it(monkeypatch):
    monkeypatch.setattr(plans.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        ImportError, match=r"deepconvnet needs PyTorch.*So do mnist-fast, .*; simpleconvnet does without"
    ):
        train.run("deepconvnet")


def test_numpy_recipes_never_import_pytorch():
    code = (
        "import sys; from coursekit import train;"
        "train.run('simpleconvnet', images=100, epochs=1, held_out=50, progress=False);"
        "print('torch' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"


def test_recipes_say_where_their_choices_come_from():
    names = [each.name for each in train.recipes()]
    assert len(set(names)) == len(names)
    for each in train.recipes():
        assert each.shows
        assert len(each.source) > 40
