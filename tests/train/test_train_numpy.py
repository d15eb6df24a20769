"""The NumPy trainer, on a small case."""

import numpy as np
import pytest

from coursekit.data import as_float, load_mnist
from coursekit.nn import Adam, Momentum, SimpleConvNet, one_cycle
from coursekit.train import fit
from coursekit.train.numpy_trainer import batches


@pytest.fixture(scope="module")
def digits():
    images, labels = load_mnist("train")
    return as_float(images[:400]), labels[:400]


def small(seed=0):
    return SimpleConvNet(conv_param={"filter_num": 4}, hidden_size=20, weight_init_std=0.1, seed=seed)


def test_learns_and_keeps_a_history(digits):
    network = small()
    x, t, held_out = digits[0][:300], digits[1][:300], (digits[0][300:], digits[1][300:])
    optimiser = Adam(network.params, lr=0.01)
    history = fit(network, x, t, epochs=4, batch_size=32, optimiser=optimiser, validation=held_out, progress=False)
    assert len(history.losses) == 4 * 10  # nine batches of 32, one of 12
    assert np.mean(history.losses[-10:]) < history.losses[0] / 2
    assert len(history.training_accuracy) == len(history.validation_accuracy) == 4
    assert history.training_accuracy[-1] == network.accuracy(x, t)
    assert history.validation_accuracy[-1] == network.accuracy(*held_out)
    assert history.seconds > 0
    assert not history.interrupted
    assert repr(history).startswith("History(40 steps in ")
    assert "validation accuracy" in repr(history)


def test_same_seed_same_numbers(digits):
    runs = []
    for seed in (0, 0, 1):
        network = small()
        runs.append((fit(network, *digits, epochs=1, seed=seed, progress=False).losses, network.params["W1"]))
    assert runs[0][0] == runs[1][0] != runs[2][0]
    assert np.array_equal(runs[0][1], runs[1][1])


def test_batches_deal_out_each_image_once():
    dealt = batches(np.random.default_rng(0).permutation(10), 4)
    assert [len(batch) for batch in dealt] == [4, 4, 2]
    assert sorted(np.concatenate(dealt).tolist()) == list(range(10))


def test_schedule_multiplies_the_rate_and_gives_it_back(digits):
    network, seen = small(), []

    class Watched(Adam):
        def step(self, gradients):
            seen.append(self.lr)
            super().step(gradients)

    optimiser = Watched(network.params, lr=0.5)
    fit(network, *digits, epochs=1, optimiser=optimiser, schedule=lambda done: 1 - done, progress=False)
    assert np.allclose(seen, [0.5, 0.5 * 2 / 3, 0.5 / 3, 0])
    assert optimiser.lr == 0.5


def test_any_rule_and_any_schedule_will_do(digits):
    network = small()
    optimiser = Momentum(network.params, lr=0.05, weight_decay=1e-3)
    history = fit(network, *digits, epochs=3, batch_size=20, optimiser=optimiser, schedule=one_cycle, progress=False)
    assert np.mean(history.losses[-20:]) < history.losses[0] / 2


def test_keyboard_stops_cleanly(digits):
    network = small()

    class Stopped(Adam):
        def step(self, gradients):
            if self.steps == 2:
                raise KeyboardInterrupt
            super().step(gradients)

    optimiser = Stopped(network.params)
    history = fit(network, *digits, epochs=3, optimiser=optimiser, schedule=lambda done: 0.1, progress=False)
    assert history.interrupted
    assert len(history.losses) == 2
    assert optimiser.lr == 1e-3
    assert "interrupted" in repr(history)


def test_progress_bar_is_shown_only_if_wanted(digits, capsys):
    fit(small(), *digits, epochs=1, progress=False)
    assert capsys.readouterr().err == ""
    fit(small(), *digits, epochs=1)
    assert "training: 100%" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(epochs=0), "epochs is 0, expected 1 or more"),
        (dict(epochs=1, batch_size=0), "batch_size is 0"),
        (dict(epochs=1, sample=0), "sample is 0"),
        (dict(epochs=1.5), r"epochs is 1\.5 \(float\), expected a whole number"),
        (dict(epochs=1, batch_size=True), r"batch_size is True \(bool\)"),
    ],
)
def test_count_messages(digits, options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        fit(small(), *digits, **options)


def test_length_messages(digits):
    with pytest.raises(ValueError, match="x holds 400 images, labels 399: expected as many of both"):
        fit(small(), digits[0], digits[1][:-1], epochs=1)
    with pytest.raises(ValueError, match="x holds 0 images"):
        fit(small(), digits[0][:0], digits[1][:0], epochs=1)
    with pytest.raises(ValueError, match=r"validation\[0\] holds 0 images, validation\[1\] 400"):
        fit(small(), *digits, epochs=1, validation=(digits[0][:0], digits[1]))


def test_another_networks_optimiser_is_refused(digits):
    with pytest.raises(ValueError, match="optimiser holds other arrays than network"):
        fit(small(), *digits, epochs=1, optimiser=Adam(small().params))


def test_labels_of_another_kind_are_refused_before_anything_is_learnt(digits):
    network = small()
    before = network.params["W1"].copy()
    with pytest.raises(TypeError, match="labels has dtype float64, expected whole numbers"):
        fit(network, digits[0], digits[1].astype(float), epochs=1, progress=False)
    with pytest.raises(ValueError, match="labels goes from 10 to 19, expected 0 to 9"):
        fit(network, digits[0][:40], np.arange(40) % 10 + 10, epochs=1, progress=False)
    assert np.array_equal(network.params["W1"], before)
