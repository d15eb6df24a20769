"""Optimisers, schedules and first weights: against PyTorch and against their own statements."""

import itertools

import numpy as np
import pytest

import coursekit.nn as nn

RULES = [
    (nn.SGD, dict(lr=0.1), "SGD", dict(lr=0.1)),
    (nn.Momentum, dict(lr=0.1, momentum=0.7), "SGD", dict(lr=0.1, momentum=0.7)),
    (nn.Nesterov, dict(lr=0.1, momentum=0.7), "SGD", dict(lr=0.1, momentum=0.7, nesterov=True)),
    (nn.AdaGrad, dict(lr=0.1), "Adagrad", dict(lr=0.1)),
    (nn.RMSProp, dict(lr=0.1, decay=0.9), "RMSprop", dict(lr=0.1, alpha=0.9)),
    (nn.Adam, dict(lr=0.1, beta1=0.8), "Adam", dict(lr=0.1, betas=(0.8, 0.999))),
]


@pytest.mark.parametrize(("rule", "options", "name", "theirs"), RULES, ids=lambda value: getattr(value, "__name__", ""))
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-4)])
def test_agree_with_pytorch_also_when_the_rate_changes(rule, options, name, theirs, dtype, tolerance):
    torch = pytest.importorskip("torch", reason="needs torch: python3 course.py setup")
    rng = np.random.default_rng(0)
    start, gradients = rng.normal(size=(3, 4)).astype(dtype), rng.normal(size=(8, 3, 4)).astype(dtype)
    params = {"w": start.copy()}
    held, mine = params["w"], rule(params, **options)
    tensor = torch.from_numpy(start.copy()).requires_grad_()
    other = getattr(torch.optim, name)([tensor], **theirs)
    for step, gradient in enumerate(gradients):
        if step == 4:
            mine.lr = other.param_groups[0]["lr"] = 0.02
        gradient.flags.writeable = False
        mine.step({"w": gradient})
        tensor.grad = torch.from_numpy(gradient.copy())
        other.step()
    wanted = tensor.detach().numpy()
    assert params["w"] is held
    assert held.dtype == dtype
    assert np.abs(held - wanted).max() < tolerance * np.abs(wanted).max()


DECAYED = [(*row[:3], row[3], {}) for row in RULES]
DECAYED += [(nn.Adam, dict(lr=0.1), "AdamW", dict(lr=0.1), dict(decoupled=True))]


@pytest.mark.parametrize(
    ("rule", "options", "name", "theirs", "more"), DECAYED, ids=lambda v: getattr(v, "__name__", "")
)
@pytest.mark.parametrize("decay", [0.0, 0.3])
def test_ten_steps_with_weight_decay_are_pytorchs(rule, options, name, theirs, more, decay):
    torch = pytest.importorskip("torch", reason="needs torch: python3 course.py setup")
    rng = np.random.default_rng(1)
    starts = {"w": rng.normal(size=(3, 4)), "b": rng.normal(size=4)}
    params = {key: value.copy() for key, value in starts.items()}
    tensors = {key: torch.from_numpy(value.copy()).requires_grad_() for key, value in starts.items()}
    mine = rule(params, **options, **more, weight_decay=decay)
    other = getattr(torch.optim, name)(tensors.values(), **theirs, weight_decay=decay)
    for _ in range(10):
        gradients = {key: rng.normal(size=value.shape) for key, value in starts.items()}
        mine.step(gradients)
        for key, gradient in gradients.items():
            tensors[key].grad = torch.from_numpy(gradient.copy())
        other.step()
    for key, tensor in tensors.items():
        wanted = tensor.detach().numpy()
        assert np.abs(params[key] - wanted).max() < 1e-10 * np.abs(wanted).max()


def test_decay_shrinks_what_has_no_slope_and_only_adamw_at_one_pace():
    lengths = {}
    for name, rule, more in (("sgd", nn.SGD, {}), ("adam", nn.Adam, {}), ("adamw", nn.Adam, dict(decoupled=True))):
        params = {"w": np.array([1.0])}
        rule(params, lr=0.1, weight_decay=0.5, **more).step({"w": np.zeros(1)})
        lengths[name] = round(params["w"][0], 6)
    assert lengths == {"sgd": 0.95, "adam": 0.9, "adamw": 0.95}  # Adam's step is lr long, whatever the decay


def test_a_step_is_refused_as_a_whole():
    params = {"a": np.ones(2), "b": np.ones(2)}
    optimiser = nn.SGD(params)
    for bad, error, message in (
        (np.ones(3), ValueError, r"gradients\['b'\] has shape \(3,\), expected \(2,\): the shape of its parameter"),
        (np.ones(2, np.float32), TypeError, r"gradients\['b'\] is float32, params\['b'\] is float64"),
        (np.ones(2, int), TypeError, r"gradients\['b'\] has dtype int64"),
        ([1.0, 1.0], TypeError, r"gradients\['b'\] is a list, expected a NumPy array"),
    ):
        with pytest.raises(error, match=message):
            optimiser.step({"a": np.ones(2), "b": bad})
    assert params["a"].tolist() == [1, 1]
    assert optimiser.steps == 0


@pytest.mark.parametrize("rule", [row[0] for row in RULES])
def test_all_go_downhill_and_state_their_memory(rule):
    params = {"w": np.array([3.0, -2.0])}
    optimiser = rule(params, lr=0.1)
    for _ in range(200):
        optimiser.step({"w": params["w"] * [1.0, 5.0]})
    assert np.abs(params["w"]).max() < 1.5
    assert optimiser.steps == 200
    kept = sum(array.size for arrays in optimiser._kept.values() for array in arrays)
    assert kept == 2 * rule.slots
    assert repr(optimiser) == f"{rule.__name__}(lr=0.1, 200 steps, {2 + rule.slots} numbers per parameter)"
    with pytest.raises(ValueError, match=r"gradients has \[\], expected \['w'\]"):
        optimiser.step({})


def test_nesterov_is_the_lookahead_of_the_paper():
    """The paper keeps the place w behind; ours is w - lr * momentum * v, where it takes its gradients."""
    slope, lr, momentum = np.array([1.0, 4.0]), 0.1, 0.9
    w, v = np.array([1.0, -1.0]), np.zeros(2)
    params = {"w": w.copy()}
    ours = nn.Nesterov(params, lr=lr, momentum=momentum)
    for _ in range(10):
        ours.step({"w": slope * params["w"]})
        v = momentum * v + slope * (w - lr * momentum * v)
        w = w - lr * v
        assert np.allclose(params["w"], w - lr * momentum * v, rtol=1e-12)


def test_option_messages():
    params = {"w": np.ones(1)}
    with pytest.raises(ValueError, match="lr is -1, expected 0 or more"):
        nn.SGD(params, lr=-1)
    with pytest.raises(ValueError, match="momentum is 1, expected 0 or more and less than 1"):
        nn.Momentum(params, momentum=1)
    with pytest.raises(ValueError, match="decay is 2"):
        nn.RMSProp(params, decay=2)
    with pytest.raises(ValueError, match=r"beta2 is 1\.0"):
        nn.Adam(params, beta2=1.0)
    with pytest.raises(ValueError, match=r"weight_decay is -0\.1, expected 0 or more"):
        nn.Nesterov(params, weight_decay=-0.1)
    with pytest.raises(ValueError, match="eps is -1, expected a small number"):
        nn.AdaGrad(params, eps=-1)
    with pytest.raises(TypeError, match=r"params\['w'\] has dtype int64, expected float32 or float64"):
        nn.SGD({"w": np.ones(1, int)})


def test_schedules_start_at_one_and_never_rise():
    done = np.linspace(0, 1, 101)
    for schedule in (nn.step_decay, nn.linear_decay, nn.exponential_decay, nn.inverse_decay, nn.cosine_decay):
        rates = np.array([schedule(d) for d in done])
        assert rates[0] == 1
        assert np.all(np.diff(rates) <= 1e-15)
        with pytest.raises(ValueError, match=r"done is 3, expected 0 to 1: the share of training"):
            schedule(3)
    rates = np.array([nn.warm_up(d, share=0.1) for d in done])
    assert np.argmax(rates) == 10
    assert max(rates) == 1
    with pytest.raises(ValueError, match="share is 1"):
        nn.warm_up(0.5, share=1)
    with pytest.raises(ValueError, match="floor is 0"):
        nn.exponential_decay(0.5, floor=0)
    for schedule in (nn.linear_decay, nn.cosine_decay, nn.one_cycle):
        with pytest.raises(ValueError, match="floor is 2, expected 0 to 1"):
            schedule(0.1, floor=2)
    with pytest.raises(ValueError, match="strength is -1"):
        nn.inverse_decay(0.5, strength=-1)


def test_one_cycle_rises_and_falls():
    rates = [nn.one_cycle(done) for done in np.linspace(0, 1, 101)]
    assert np.argmax(rates) == 20
    assert max(rates) == 1
    assert np.isclose(min(rates), 0.01)
    assert rates[0] == 0.01
    assert np.all(np.diff(rates[:21]) > 0)
    assert np.all(np.diff(rates[20:]) < 0)
    with pytest.raises(ValueError, match=r"done is 1\.5"):
        nn.one_cycle(1.5)


def test_schedules_agree_with_pytorch():
    torch = pytest.importorskip("torch", reason="needs torch: python3 course.py setup")
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=20, eta_min=0.1)
    for step in range(20):
        assert np.isclose(nn.cosine_decay(step / 20, floor=0.1), theirs.get_last_lr()[0], rtol=1e-12)
        optimiser.step()
        theirs.step()


CASES = list(itertools.product([(400, 300), (40, 20, 5, 5)], ["normal", "uniform"]))


@pytest.mark.parametrize(("shape", "distribution"), CASES)
def test_variances_are_as_stated(shape, distribution):
    fan_in, fan_out = nn.fan_in_out(shape)
    he = nn.he_init(shape, seed=0, distribution=distribution, dtype=np.float64)
    xavier = nn.xavier_init(shape, seed=0, distribution=distribution, dtype=np.float64)
    assert he.dtype == np.float64
    assert np.isclose(he.var() * fan_in, 2, rtol=0.03)
    assert np.isclose(xavier.var() * (fan_in + fan_out), 2, rtol=0.03)
    if distribution == "uniform":
        assert np.abs(he).max() <= np.sqrt(6 / fan_in)
    assert np.isclose(nn.pytorch_init(shape, seed=0).var() * fan_in, 1 / 3, rtol=0.03)
    assert np.isclose(nn.normal_init(shape, 0.01, seed=0).std(), 0.01, rtol=0.03)


def test_fans_are_pytorchs():
    torch = pytest.importorskip("torch", reason="needs torch: python3 course.py setup")
    fans = torch.nn.init._calculate_fan_in_and_fan_out
    assert nn.fan_in_out((30, 4, 5, 3)) == fans(torch.zeros(30, 4, 5, 3)) == (60, 450)
    assert nn.fan_in_out((8, 3)) == fans(torch.zeros(8, 3).T) == (8, 3)  # PyTorch's Linear holds (M, D)
    bound = torch.nn.Linear(100, 5000).weight.abs().max().item()
    assert np.isclose(bound, np.abs(nn.pytorch_init((100, 5000), seed=0)).max(), rtol=1e-3)


def test_he_keeps_the_signal_through_relu_and_small_weights_lose_it():
    rng = np.random.default_rng(0)
    spreads = {}
    for name, draw in {"he": nn.he_init, "xavier": nn.xavier_init}.items():
        x = rng.normal(size=(200, 256))
        for _ in range(10):
            x = np.maximum(x @ draw((256, 256), seed=rng, dtype=np.float64), 0)
        spreads[name] = np.sqrt(np.mean(x**2))
    assert 0.5 < spreads["he"] < 2
    assert spreads["xavier"] < 0.1


def test_init_messages():
    with pytest.raises(ValueError, match=r"shape is \(5,\), expected \(D, M\)"):
        nn.he_init((5,), seed=0)
    with pytest.raises(ValueError, match="distribution is 'gauss', expected"):
        nn.xavier_init((5, 5), seed=0, distribution="gauss")
    assert np.array_equal(nn.he_init((5, 5), seed=1), nn.he_init((5, 5), seed=np.random.default_rng(1)))
    assert nn.he_init((5, 5), seed=1).dtype == np.float32
