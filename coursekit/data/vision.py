"""Fashion-MNIST and CIFAR: torchvision knows where they are and reads them; fetching and checking is done here.

torchvision by itself begins a broken download again from its first byte, leaves half files under the whole
file's name, does not notice damage in Fashion-MNIST's unpacked files, and does not mend CIFAR's file of names.
"""

import gzip
import warnings
from pathlib import Path

import numpy as np
from torchvision.datasets import CIFAR10, CIFAR100, FashionMNIST
from torchvision.datasets.utils import check_integrity, extract_archive

from coursekit._files import write_whole
from coursekit.data.downloads import RemoteFile, cache_folder, fetch, locked

__all__ = ["KINDS", "class_names", "read"]

KINDS = {"fashion-mnist": FashionMNIST, "cifar10": CIFAR10, "cifar100": CIFAR100}
SIZES = {  # bytes of the files as they come over the network
    "train-images-idx3-ubyte.gz": 26_421_880,
    "train-labels-idx1-ubyte.gz": 29_515,
    "t10k-images-idx3-ubyte.gz": 4_422_102,
    "t10k-labels-idx1-ubyte.gz": 5_148,
    "cifar-10-python.tar.gz": 170_498_071,
    "cifar-100-python.tar.gz": 169_001_437,
}


def read(
    kind: type, train: bool, *, folder: Path | None = None, sizes: dict[str, int] = SIZES, progress: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels of one half of a data set, fetched first if need be.

    Parameters
    ----------
    kind : class
        torchvision's FashionMNIST, CIFAR10 or CIFAR100, or one derived from these with other addresses and sums.
    train : bool
        The training images, or those for testing.
    folder : Path, optional
        torchvision's `root`, if not the cache folder: what torchvision fetched into it is used.
    sizes : dict of file name to int
        Length of each file as fetched, in bytes.
    progress : bool
        Say what is fetched, and show a bar.

    Returns
    -------
    images : ndarray of shape (N, C, H, W), uint8
    labels : ndarray of shape (N,), int64

    Raises
    ------
    DownloadError
        If files are missing or damaged and cannot be fetched.
    """
    data = _open(kind, train, folder, sizes, progress)
    images, labels = np.asarray(data.data), np.asarray(data.targets, np.int64)
    images = images[:, None] if images.ndim == 3 else images.transpose(0, 3, 1, 2)
    return np.ascontiguousarray(images), labels


def class_names(
    kind: type, *, folder: Path | None = None, sizes: dict[str, int] = SIZES, progress: bool = True
) -> tuple[str, ...]:
    """Names of the classes, in the order of the labels; CIFAR's stand in its files."""
    return tuple(getattr(kind, "classes", None) or _open(kind, False, folder, sizes, progress).classes)


def _open(kind, train, folder, sizes, progress):
    """Open the set by torchvision, whole and checked."""
    folder = Path(folder or cache_folder())
    make_whole = _unpacked_idx if issubclass(kind, FashionMNIST) else _unpacked_cifar
    if not make_whole(kind, folder):
        with locked(folder):
            if not make_whole(kind, folder):  # nor has another process done it meanwhile
                fetch(remote_files(kind, sizes), folder, title=kind.__name__, progress=progress)
                make_whole(kind, folder, unpack=True)
    with warnings.catch_warnings():  # CIFAR was pickled by a NumPy of 2009, in a way that is now frowned upon
        warnings.filterwarnings("ignore", message=r"dtype\(\): align", category=np.exceptions.VisibleDeprecationWarning)
        return kind(folder, train=train)


def remote_files(kind: type, sizes: dict[str, int] = SIZES) -> list[RemoteFile]:
    """What has to be fetched, with the addresses and sums that torchvision knows."""
    if issubclass(kind, FashionMNIST):
        return [
            RemoteFile(f"{kind.__name__}/raw/{name}", tuple(f"{url}{name}" for url in kind.mirrors), sizes[name], md5)
            for name, md5 in kind.resources
        ]
    return [RemoteFile(kind.filename, (kind.url,), sizes[kind.filename], kind.tgz_md5)]


def _unpacked_cifar(kind: type, folder: Path, *, unpack: bool = False) -> bool:
    """Whether every file of the archive lies there as it should, the one with the classes' names included."""
    if unpack:
        extract_archive(folder / kind.filename, folder)
    members = [*kind.train_list, *kind.test_list, (kind.meta["filename"], kind.meta["md5"])]
    return all(check_integrity(folder / kind.base_folder / name, md5) for name, md5 in members)


def _unpacked_idx(kind: type, folder: Path, *, unpack: bool = False) -> bool:
    """Whether every unpacked file holds what its archive does, there being no sums for the unpacked ones."""
    for name, md5 in kind.resources:
        packed = folder / kind.__name__ / "raw" / name
        if not check_integrity(packed, md5):
            return False
        content, target = gzip.decompress(packed.read_bytes()), packed.with_suffix("")
        if unpack:
            write_whole(target, content)
        elif not target.is_file() or target.read_bytes() != content:
            return False
    return True
