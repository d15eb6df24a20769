"""Fetching large files: what broke off goes on, what arrives is checked, what is damaged is fetched again."""

import hashlib
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import NamedTuple
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from tqdm.auto import tqdm

__all__ = ["DownloadError", "RemoteFile", "cache_folder", "fetch"]

CHUNK = 1 << 16  # bytes read at a time
TIMEOUT = 30  # seconds without a byte
TRIES = 4  # requests in a row that bring nothing new, after which an address is given up
PASSING = {408, 416, 425, 429, 500, 502, 503, 504}  # HTTP states after which asking again may help


class DownloadError(OSError):
    """A file could not be fetched; the message says from where, why, and how to bring it by hand."""


class RemoteFile(NamedTuple):
    """A file somewhere else: where it goes, where it can be had, and how to know that it is the right one."""

    name: str  # its place below the cache folder, such as "FashionMNIST/raw/train-labels-idx1-ubyte.gz"
    urls: tuple[str, ...]  # tried in this order
    size: int  # bytes
    md5: str  # what the makers publish; it tells damage, it does not keep out an attacker


def cache_folder() -> Path:
    """Where downloaded data are kept: `$COURSEKIT_DATA`, or else ~/.cache/coursekit."""
    return Path(os.environ.get("COURSEKIT_DATA") or Path.home() / ".cache" / "coursekit").expanduser()


def fetch(
    files: Sequence[RemoteFile], folder: Path, *, title: str, progress: bool = True, pause: float = 1.0
) -> list[Path]:
    """Bring files into a folder, unless they are there already, whole and right.

    What has arrived stays in `NAME.part` when the connection breaks, you stop it or the machine goes down; the next
    call goes on from there. A file appears under its own name only when all its bytes are there and right.

    Parameters
    ----------
    files : sequence of RemoteFile
    folder : Path
        Made if need be.
    title : str
        What the files are, for the announcement.
    progress : bool
        Say before it begins how much there is to fetch and how long it may take, and show a bar.
    pause : float
        Seconds before an address that failed is asked again; doubled each time it fails in a row.

    Returns
    -------
    paths : list of Path
        Where the files lie, in the order given.

    Raises
    ------
    DownloadError
        If the disk has no room, no address answers, or none gives the right bytes.
    """
    missing = [file for file in files if not is_whole(folder / file.name, file)]
    if missing:
        _require_room(missing, folder, title)
        if progress:
            print(_announcement(missing, folder, title))
        for file in missing:
            _fetch_one(file, folder / file.name, progress, pause)
    return [folder / file.name for file in files]


def is_whole(path: Path, file: RemoteFile) -> bool:
    """Whether all bytes are there, and are the right ones."""
    return path.is_file() and path.stat().st_size == file.size and _md5(path) == file.md5


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """One process at a time: of several that want the same data, one fetches them and the others wait."""
    from filelock import FileLock  # comes with PyTorch

    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".coursekit.lock"):
        yield


def _fetch_one(file: RemoteFile, path: Path, progress: bool, pause: float) -> None:
    part = path.with_name(path.name + ".part")
    _begin(file, path, part)
    troubles = []
    for url in file.urls:
        for _ in range(2):  # a damaged beginning spoils the whole file: then once more, from the first byte
            try:
                _pull(url, part, file, progress, pause)
            except (OSError, HTTPException, ValueError) as error:
                troubles.append(f"{url}: {error}")
                break
            found = _md5(part)
            if found == file.md5:
                os.replace(part, path)
                return
            part.unlink()
            troubles.append(f"{url}: sends another file (MD5 {found}, expected {file.md5})")
    raise DownloadError(
        f"{path.name} could not be fetched.\n  " + "\n  ".join(troubles) + "\n"
        "Try again later: what has arrived so far is kept. Or bring the file by another way, "
        f"put it here and call again:  {path}"
    )


def _begin(file: RemoteFile, path: Path, part: Path) -> None:
    """Make use of a half file that another program left under the whole file's name; take damaged ones away."""
    part.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        half = path.stat().st_size < file.size and not part.exists()
        path.replace(part) if half else path.unlink()
    if part.exists() and part.stat().st_size > file.size:
        part.unlink()


def _pull(url: str, part: Path, file: RemoteFile, progress: bool, pause: float) -> None:
    """Request after request, until the part is as long as the file should be."""
    furthest, idle, trouble = _length(part), 0, None
    with tqdm(
        total=file.size, initial=furthest, desc=Path(file.name).name, unit="B", unit_scale=True, disable=not progress
    ) as bar:
        while _length(part) < file.size:
            if idle == TRIES:
                raise trouble or OSError("the answer ends too early, each time")
            if idle:
                time.sleep(pause * 2 ** (idle - 1))
            try:
                _request(url, part, file.size, bar)
            except HTTPError as error:
                error.close()
                if error.code not in PASSING:
                    raise
                trouble = error
                if error.code == 416:  # the server knows no byte from there on
                    part.unlink()
            except (OSError, HTTPException) as error:
                trouble = error
            idle = idle + 1 if _length(part) <= furthest else 0
            furthest = max(furthest, _length(part))


def _request(url: str, part: Path, size: int, bar: tqdm) -> None:
    """Ask once for what is missing and append what comes, up to the wanted size."""
    have = _length(part)
    request = Request(url, headers={"User-Agent": "coursekit"} | ({"Range": f"bytes={have}-"} if have else {}))
    with urlopen(request, timeout=TIMEOUT) as answer:
        have = have if answer.status == 206 else 0  # 200 is the whole file from its beginning
        _require_length(answer, have, size)
        bar.n = have
        with open(part, "r+b" if have else "wb") as stream:
            stream.seek(have)
            while have < size and (chunk := answer.read1(min(CHUNK, size - have))):  # what has come is kept
                stream.write(chunk)
                have += len(chunk)
                bar.update(len(chunk))


def _require_length(answer: HTTPResponse, have: int, size: int) -> None:
    """Refuse another file by its length, such as the log-in page of a hotel's network, before it is fetched."""
    if answer.status == 206 and not answer.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
        raise ValueError(f"sends bytes from elsewhere ({answer.headers.get('Content-Range')}), asked from {have}")
    length = answer.headers.get("Content-Length")
    if length is not None and have + int(length) != size:
        raise ValueError(f"sends another file ({have + int(length):,} bytes, expected {size:,})")


def _require_room(files: list[RemoteFile], folder: Path, title: str) -> None:
    needed = 3 * sum(file.size for file in files)  # the archive, and twice as much for what is in it
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    free = shutil.disk_usage(there).free
    if free < needed:
        raise DownloadError(
            f"{title} needs {megabytes(needed)} in {folder}, {megabytes(free)} are free. "
            "Make room, or name another folder with COURSEKIT_DATA=/some/folder."
        )


def _announcement(files: list[RemoteFile], folder: Path, title: str) -> str:
    left = sum(file.size - _length(folder / f"{file.name}.part") for file in files)
    hosts = ", ".join(sorted({urlsplit(file.urls[0]).netloc for file in files}))
    damaged = [Path(file.name).name for file in files if (folder / file.name).exists()]
    return (
        (f"{', '.join(damaged)}: damaged or cut short, to be mended.\n" if damaged else "")
        + f"{title}: {megabytes(left)} to fetch from {hosts} into {folder}; "
        f"{_duration(left, 50)} at 50 Mbit/s, {_duration(left, 5)} at 5 Mbit/s. "
        "Stop it whenever you like: the next call goes on from there."
    )


def megabytes(count: int) -> str:
    """Bytes, as people read them."""
    return f"{count / 1e6:,.0f} MB" if count >= 1e6 else f"{count / 1e3:,.0f} kB"


def _duration(count: int, speed: float) -> str:
    seconds = max(1, round(count * 8 / (speed * 1e6)))
    return f"{seconds} s" if seconds < 90 else f"{round(seconds / 60)} min"


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _md5(path: Path) -> str:
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
