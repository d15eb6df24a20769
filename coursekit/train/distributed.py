"""Several processes that train one network, started by torchrun; every function here also works in a single one.

    torchrun --nproc-per-node 2 script.py

starts script.py twice. Each process draws the same order, takes its share of every batch, and PyTorch's
DistributedDataParallel averages the gradients, so that all take the same step.
"""

import atexit
import os
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

__all__ = ["first", "join", "rank", "size"]


def size() -> int:
    """How many processes train together."""
    return distributed.get_world_size() if _together() else int(os.environ.get("WORLD_SIZE", 1))


def rank() -> int:
    """This process's number, from 0."""
    return distributed.get_rank() if _together() else int(os.environ.get("RANK", 0))


def first() -> bool:
    """Whether this process is the one that prints and writes files."""
    return rank() == 0


def join(device: torch.device) -> None:
    """Join the other processes that torchrun has started, until this one ends; alone, or joined already, do nothing.

    Parameters
    ----------
    device : torch.device
        NCCL connects GPUs, gloo everything else.
    """
    if _together() or size() == 1:
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    atexit.register(_leave)  # not after each run: the same processes cannot meet a second time


def _leave():
    if _together():
        distributed.destroy_process_group()


def wrapped(network: nn.Module, device: torch.device) -> nn.Module:
    """The network, averaging its gradients with the other processes' after each backward pass."""
    if size() == 1:
        return network
    return DistributedDataParallel(network, device_ids=[device] if device.type == "cuda" else None)


def unsynchronised(model: nn.Module) -> Any:
    """Within this context gradients are added up here only: for all slices of a batch but the last."""
    inner = getattr(model, "_orig_mod", model)  # what torch.compile has wrapped
    return inner.no_sync() if isinstance(inner, DistributedDataParallel) else nullcontext()


def share(batch: Tensor) -> Tensor:
    """This process's part of a batch, (B, ...) -> (about B / processes, ...); the first one's where none is left."""
    return batch.tensor_split(size())[rank()] if has_share(len(batch)) else batch[:1]


def has_share(images: int) -> bool:
    """Whether so many images are enough for this process to get one."""
    return rank() < images


def total(value: Tensor) -> Tensor:
    """The sum of all processes' values, in each of them."""
    if size() > 1:
        distributed.all_reduce(value)
    return value


def gathered(value: Any) -> list[Any]:
    """Every process's value, by rank."""
    if size() == 1:
        return [value]
    values = [None] * size()
    distributed.all_gather_object(values, value)
    return values


def same_buffers(network: nn.Module) -> None:
    """Give all processes the first one's running statistics: each has seen other images."""
    if size() > 1:
        for buffer in network.buffers():
            distributed.broadcast(buffer, src=0)


def _together():
    return distributed.is_available() and distributed.is_initialized()
