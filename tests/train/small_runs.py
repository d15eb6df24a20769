"""A small network and a short way to train it, for the tests of the PyTorch trainer."""

import torch
from torch import nn

from coursekit.train import Options, fit_torch

CPU = dict(device="cpu", batch=50)


def small(seed=0, *, norm=False):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        body = [nn.Conv2d(1, 6, 5, stride=3), nn.BatchNorm2d(6) if norm else nn.Identity(), nn.ReLU(), nn.Flatten()]
        return nn.Sequential(*body, nn.Dropout(0.1), nn.Linear(6 * 8 * 8, 10))


def fit(data, *, network=None, **changes):
    """History and network of a short run; arguments of fit_torch and options in one."""
    own = {name: changes.pop(name) for name in list(changes) if name in fit_torch.__kwdefaults__}
    network = network or small()
    options = Options(**{**CPU, "epochs": 2, "rate": 0.05, **changes})
    return fit_torch(network, data, options, progress=False, **own), network
