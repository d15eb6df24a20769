"""The PyTorch trainer, on small networks and few digits."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch: python3 course.py setup")
from small_runs import CPU, fit, small
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.data import Dataset

from coursekit.data import load_mnist, mnist_dataset
from coursekit.nn.schedules import one_cycle
from coursekit.train import (
    Augmentation,
    Options,
    accuracy,
    fit_torch,
    predict,
)

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def digits():
    images, labels = load_mnist("train")
    return images[:500], labels[:500]


def test_learns_and_keeps_a_history(digits):
    train, held_out = [(digits[0][part], digits[1][part]) for part in (slice(400), slice(400, 500))]
    history, network = fit(train, validation=held_out, epochs=8, batch=32)
    assert len(history.losses) == len(history.rates) == 8 * 13
    assert history.losses[0] == pytest.approx(np.log(10), abs=0.3)
    assert np.mean(history.losses[-13:]) < history.losses[0] / 3
    assert history.epoch_ends == [13 * (k + 1) for k in range(8)]
    assert history.training_accuracy[-1] == accuracy(network, *train) > 0.9
    assert history.validation_accuracy[-1] == accuracy(network, *held_out) > 0.7
    assert 0 < history.epoch_seconds[0] < history.epoch_seconds[-1] <= history.seconds
    assert history.cpu_seconds > 0
    assert not network.training


@pytest.mark.parametrize("rule", ["sgd", "adagrad", "rmsprop", "adam", "adamw"])
def test_equals_a_loop_written_out(digits, rule):
    """The same steps by hand: order, schedule, smoothing, clipping, decay."""
    images, labels = torch.from_numpy(digits[0][:120, None]).double() / 255, torch.from_numpy(digits[1][:120]).long()
    network = small().double().eval()
    network[4] = nn.Identity()
    twin = small().double()
    twin[4] = nn.Identity()
    make, extra = {
        "sgd": (torch.optim.SGD, {"momentum": 0.8}),
        "adagrad": (torch.optim.Adagrad, {}),
        "rmsprop": (torch.optim.RMSprop, {"alpha": 0.99, "momentum": 0}),
        "adam": (torch.optim.Adam, {"betas": (0.8, 0.999)}),
        "adamw": (torch.optim.AdamW, {"betas": (0.8, 0.999)}),
    }[rule]
    optimiser, order = make(twin.parameters(), weight_decay=0.01, **extra), torch.Generator().manual_seed(3)
    losses = []
    for _ in range(2):
        for batch in torch.randperm(120, generator=order).split(50):
            for group in optimiser.param_groups:
                group["lr"] = 0.01 * one_cycle(len(losses) / 5)
            optimiser.zero_grad()
            loss = cross_entropy(twin(images[batch]), labels[batch], label_smoothing=0.1)
            loss.backward()
            nn.utils.clip_grad_norm_(twin.parameters(), 0.5)
            optimiser.step()
            losses.append(loss.item())
    options = dict(optimiser=rule, rate=0.01, momentum=0.8, weight_decay=0.01, label_smoothing=0.1, clip=0.5, seed=3)
    history, _ = fit((digits[0][:120], digits[1][:120]), network=network, **options)
    assert np.allclose(history.losses, losses, rtol=1e-12)
    for ours, theirs in zip(network.parameters(), twin.parameters(), strict=True):
        assert torch.allclose(ours, theirs, rtol=0, atol=1e-12)


def test_same_seed_same_numbers_whatever_was_drawn_before(digits):
    runs = []
    for seed in (0, 0, 1):
        torch.rand(len(runs))
        runs.append(fit(digits, seed=seed, augmentation=Augmentation(shift=1, rotation=5))[0].losses)
    assert runs[0] == runs[1] != runs[2]


def test_random_numbers_outside_go_on_as_if_nothing_had_been_drawn(digits):
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    fit(digits, epochs=1)
    assert torch.equal(torch.rand(3), expected)


def test_slices_add_up_to_the_same_step(digits):
    network = [small().double() for _ in range(2)]
    for one in network:
        one[4] = nn.Identity()
    whole, sliced = (fit(digits, network=one, accumulate=k)[0] for one, k in zip(network, (1, 7), strict=True))
    assert np.allclose(whole.losses, sliced.losses, rtol=1e-12)


def test_a_dataset_is_read_batch_by_batch_to_the_same_numbers(digits):
    class Some(Dataset):
        def __len__(self):
            return 200

        def __getitem__(self, item):
            return torch.from_numpy(digits[0][item, None]), int(digits[1][item])

    resident, _ = fit((digits[0][:200], digits[1][:200]))
    streamed, _ = fit(Some(), validation=Some())
    assert streamed.losses == resident.losses
    assert streamed.training_accuracy == resident.training_accuracy == streamed.validation_accuracy


def test_the_packages_own_dataset_will_do():
    class First(Dataset):
        digits = mnist_dataset("validation")

        def __len__(self):
            return 100

        def __getitem__(self, item):
            return self.digits[item]

    assert len(fit(First(), epochs=1, sample=0)[0].losses) == 2


def test_average_of_weights_is_returned(digits):
    seen = []
    history, network = fit(
        digits, average=0.9, on_gradients=lambda step, net: seen.append(net[0].bias.detach().clone())
    )
    mean = seen[0]
    last = small()
    fit(digits, network=last)  # the same run without averaging: where the weights end
    for step, weights in enumerate([*seen[1:], last[0].bias.detach()], 1):
        mean = torch.lerp(weights, mean, min(0.9, step / (step + 10)))
    assert torch.allclose(network[0].bias, mean, atol=1e-6)
    assert not torch.allclose(network[0].bias, last[0].bias, atol=1e-4)
    assert history.training_accuracy[-1] == accuracy(network, *digits)


def test_running_statistics_are_averaged_too(digits):
    network = small(norm=True)
    fit(digits, network=network, average=0.9)
    assert network[1].num_batches_tracked == 20
    assert network[1].running_mean.abs().max() > 0


@pytest.mark.parametrize("options", [dict(channels_last=True), dict(precision="bfloat16"), dict(precision="float16")])
def test_other_ways_to_compute_give_nearly_the_same(digits, options):
    plain, changed = fit(digits)[0], fit(digits, **options)[0]
    assert np.allclose(plain.losses, changed.losses, rtol=0, atol=0.05)
    assert (plain.losses == changed.losses) <= ("precision" not in options)


def test_early_stopping_returns_the_best_weights(digits):
    history, network = fit(digits, validation=(digits[0][:100], digits[1][:100]), epochs=40, patience=2, rate=0.3)
    accuracies = history.validation_accuracy
    best = accuracies.index(max(accuracies))
    assert len(accuracies) == best + 3 < 40
    assert accuracy(network, digits[0][:100], digits[1][:100]) == max(accuracies)


def test_callbacks_see_every_step_and_may_stop(digits):
    steps, epochs = [], []

    def stop(epoch, network, history):
        epochs.append((epoch, len(history.losses), history.training_accuracy[-1]))
        return epoch == 2

    def norms(step, network):
        steps.append((step, float(network[0].weight.grad.norm())))

    history, _ = fit(digits, epochs=9, on_epoch=stop, on_gradients=norms)
    assert [step for step, _ in steps] == list(range(20))
    assert min(norm for _, norm in steps) > 0
    assert [epoch[:2] for epoch in epochs] == [(1, 10), (2, 20)]
    assert len(history.losses) == 20


def test_gradients_are_seen_as_they_are_whatever_the_precision(digits):
    norms = {}
    for precision in ("full", "float16"):
        seen = norms[precision] = []

        def look(step, network, seen=seen):
            seen.append(float(network[5].weight.grad.norm()))

        fit(digits, epochs=1, precision=precision, on_gradients=look)
    assert np.allclose(norms["full"], norms["float16"], rtol=0.05)


def test_keyboard_stops_cleanly(digits):
    def stop(step, network):
        if step == 3:
            raise KeyboardInterrupt

    history, _ = fit(digits, on_gradients=stop)
    assert history.interrupted
    assert len(history.losses) == len(history.rates) == 3


def test_last_batch_can_be_left_out(digits):
    assert len(fit(digits, batch=80, epochs=1)[0].losses) == 7
    assert len(fit(digits, batch=80, epochs=1, drop_last=True)[0].losses) == 6


def test_a_window_is_seen_in_training_and_its_middle_in_judging(digits):
    network = nn.Sequential(nn.Flatten(), nn.Linear(20 * 20, 10))
    fit(digits, network=network, augmentation=Augmentation(crop=20, shift=1))
    middle = digits[0][:, 4:24, 4:24]
    assert np.array_equal(predict(network, digits[0], crop=20), predict(network, middle))


def test_views_are_averaged(digits):
    _, network = fit(digits)
    images = digits[0][:20]
    plain = predict(network, images)
    assert plain.shape == (20, 10)
    assert plain.dtype == np.float32
    assert np.allclose(plain.sum(1), 1, atol=1e-6)
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    moved = [predict(network, padded[:, a : a + 28, b : b + 28]) for a in (0, 2) for b in (0, 2)]
    assert np.allclose(predict(network, images, views=5), np.mean([plain, *moved], 0), atol=1e-6)
    mirrored = predict(network, images[:, :, ::-1])
    assert np.allclose(predict(network, images, views=2), (plain + mirrored) / 2, atol=1e-6)
    assert np.allclose(predict(network, images, batch=7), plain, atol=1e-6)


def test_progress_bar_is_shown_only_if_wanted(digits, capsys):
    fit(digits, epochs=1)
    assert capsys.readouterr().err == ""
    fit_torch(small(), digits, Options(epochs=1, **CPU))
    assert "training: 100%" in capsys.readouterr().err
