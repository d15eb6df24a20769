"""What the PyTorch trainer says when something is wrong: numbers, memory, devices, data, options."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch: python3 course.py setup")
from small_runs import fit, small
from torch import nn
from torch.utils.data import Dataset, IterableDataset

from coursekit.data import load_mnist
from coursekit.nn.schedules import one_cycle
from coursekit.train import Augmentation, DivergedError, Options, OutOfMemoryError, accuracy, load_weights, predict
from coursekit.train.checkpoint import load
from coursekit.train.devices import available_bytes
from coursekit.train.trouble import fitting_batch

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def digits():
    images, labels = load_mnist("train")
    return images[:500], labels[:500]


def test_loss_that_is_not_finite_stops_and_keeps_the_last_good_checkpoint(digits, tmp_path):
    with pytest.raises(
        DivergedError, match=r"at step \d+, at a rate of .* last good checkpoint is .*Try a learning rate"
    ) as caught:
        fit(digits, rate=1e12, schedule=lambda done: 1e-13 if done < 0.6 else 1.0, checkpoint=tmp_path / "run")
    assert caught.value.step == len(caught.value.history.losses) + 1 > 10
    assert caught.value.checkpoint == tmp_path / "run"
    network = small()
    load_weights(network, tmp_path / "run")
    assert accuracy(network, *digits) > 0.1


def test_weights_that_are_not_finite_are_never_saved(digits, tmp_path):
    def spoil(step, network):
        if step == 4:
            network[0].bias.grad[0] = float("nan")

    with pytest.raises(DivergedError, match=r"at step [56]"):
        fit(digits, on_gradients=spoil, checkpoint=tmp_path / "run", every=1)
    state = load(tmp_path / "run")
    assert state["step"] == 4
    assert all(value.isfinite().all() for value in state["network"].values())


def test_out_of_memory_comes_with_a_batch_that_fits(digits):
    class Greedy(nn.Module):
        def __init__(self):
            super().__init__()
            self.dense = nn.Linear(784, 10)

        def forward(self, x):
            x = x.flatten(1)
            return self.dense(x if len(x) == 1 or not self.training else x.repeat(2**28, 1)[: len(x)])

    with pytest.raises(OutOfMemoryError, match=r"batch of 50 pictures of 1 x 28 x 28. Try batch=\d+, .*accumulate=\d+"):
        fit(digits, network=Greedy())


def test_the_batch_that_fits_is_counted_layer_by_layer():
    """A batch far beyond any memory: what is suggested takes at most what is free, and most of it."""
    models = pytest.importorskip("coursekit.models", reason="the accounting of layers is not there")
    network, cpu = nn.Sequential(nn.Conv2d(3, 64, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.LazyLinear(10)), "cpu"
    network(torch.zeros(1, 3, 64, 64))
    options = Options(batch=2**40, optimiser="adam")
    free = available_bytes(torch.device(cpu))
    if free is None:
        pytest.skip("this system does not say how much memory is free")
    fits = fitting_batch(network, (3, 64, 64), options, torch.device(cpu))
    counted = models.training_memory(models.table(network, (3, 64, 64)), fits, "adam").total
    assert free / 4 < counted < free * 1.25  # other programs take and give back memory meanwhile
    assert fits & (fits - 1) == 0
    assert fitting_batch(nn.Identity(), (3, 64, 64), Options(batch=100), torch.device(cpu)) == 32


@pytest.mark.slow
def test_compiled_it_learns_the_same(digits):
    plain, compiled = (fit(digits, epochs=1, network=small(), drop_last=True, compile=on)[0] for on in (False, True))
    assert np.allclose(plain.losses, compiled.losses, atol=0.05)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_missing_gpu_is_told(digits):
    with pytest.raises(ValueError, match=r"device is 'cuda', but .*: use 'auto' or 'cpu'"):
        fit(digits, device="cuda")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
@pytest.mark.parametrize("precision", ["full", "bfloat16", "float16"])
def test_on_a_gpu(digits, precision):
    options = dict(device="cuda", epochs=8, precision=precision, channels_last=True, augmentation=Augmentation(shift=1))
    assert fit(digits, **options)[0].training_accuracy[-1] > 0.85


def test_data_messages(digits):
    images, labels = digits
    for data, message in (
        ((images[:0], labels[:0]), "data holds 0 images"),
        ((images, labels[:-1]), r"data holds 500 images and labels of shape \(499,\): expected as many"),
        ((images, labels + 3), "data's labels go from 3 to 12, expected 0 to 9: the network has 10 outputs"),
        ((images, labels.astype(float)), "data's labels have dtype torch.float64, expected whole numbers"),
        ((images.astype(int), labels), "data's images have dtype torch.int64, expected uint8 or floating point"),
        ((images[0, 0], labels), r"data's images have shape \(28,\), expected \(N, H, W\)"),
        ((np.where(images > 300, images, np.float32("nan")), labels), "data's images hold numbers that are not finite"),
        ((images.tolist(), labels), "data's images are a list, expected a NumPy array or a tensor"),
        (images, r"data is a ndarray, expected \(images, labels\) or a torch Dataset"),
        (_Stream(), "data is a _Stream, expected a data set with a length"),
        (_Empty(), "data is an empty data set"),
        (_Wrong(), "data's labels go from 10 to 10, expected 0 to 9"),
    ):
        with pytest.raises((TypeError, ValueError), match=message):
            fit(data)
    with pytest.raises(ValueError, match="validation's labels go from 1 to 10"):
        fit(digits, validation=(images, labels + 1))


def test_other_messages(digits):
    with pytest.raises(ValueError, match="patience is 2, but there are no validation data"):
        fit(digits, patience=2)
    with pytest.raises(ValueError, match="data hold 500 images, less than a batch of 501"):
        fit(digits, batch=501, drop_last=True)
    with pytest.raises(ValueError, match="every is 5 without checkpoint"):
        fit(digits, every=5)
    with pytest.raises(ValueError, match=r"network makes \(1, 6, 8, 8\) of pictures \(1, 1, 28, 28\), expected scores"):
        fit(digits, network=nn.Conv2d(1, 6, 5, stride=3))
    with pytest.raises(ValueError, match="network has no parameters"):
        fit(digits, network=nn.Flatten())
    with pytest.raises(ValueError, match="no parameters that want a gradient"):
        fit(digits, network=small().requires_grad_(False))
    with pytest.raises(ValueError, match="views is 3, expected one of 1, 2, 5, 10"):
        predict(small(), digits[0], views=3)
    with pytest.raises(ValueError, match="there are 500 images and 499 labels"):
        accuracy(small(), digits[0], digits[1][:-1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(epochs=0), "epochs is 0, expected 1 or more"),
        (dict(batch=2.5), r"batch is 2\.5 \(float\), expected a whole number"),
        (dict(rate=0), r"rate is 0, expected more than 0 \(a step of no length learns nothing"),
        (dict(rate=float("nan")), "rate is nan"),
        (dict(optimiser="adm"), "did you mean 'adam'"),
        (dict(schedule="one_cicle"), "did you mean 'one_cycle'"),
        (dict(precision="float8x"), "precision is 'float8x': did you mean"),
        (dict(momentum=1.0), "momentum is 1.0, expected 0 to 0.9999"),
        (dict(label_smoothing=-0.1), "label_smoothing is -0.1"),
        (dict(clip=0), "clip is 0, expected more than 0"),
        (dict(nesterov=True, optimiser="adam"), "nesterov is True, which needs optimiser 'sgd'"),
        (dict(compile="yes"), r"compile is 'yes' \(str\), expected True or False"),
        (dict(augmentation={"shift": 2}), r"augmentation is a dict, expected Augmentation\(shift=2"),
        (dict(patience=0), "patience is 0, expected 1 or more"),
        (dict(weight_decay=-1), "weight_decay is -1"),
    ],
)
def test_option_messages(options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        Options(**options)


@pytest.mark.parametrize("device", ["gpu", "cuda:99", "vulkan", "meta"])
def test_unknown_devices_are_told(digits, device):
    with pytest.raises(ValueError, match=f"device is '{device}'"):
        fit(digits, device=device)


def test_options_are_plain_data_both_ways():
    options = Options(epochs=3, augmentation=Augmentation(shift=2), clip=1.0)
    assert Options.from_dict(options.as_dict()) == options
    assert Options(schedule=one_cycle).as_dict()["schedule"] == "one_cycle"


class _Stream(IterableDataset):
    def __iter__(self):
        yield torch.zeros(1, 28, 28), 0


class _Empty(Dataset):
    def __len__(self):
        return 0


class _Wrong(Dataset):
    def __len__(self):
        return 20

    def __getitem__(self, item):
        return torch.zeros(1, 28, 28), 10
