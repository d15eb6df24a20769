"""Downloads that break, lie and come in halves end in the right file, or in a sentence that says why not."""

import hashlib
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from coursekit.data import DownloadError, cache_folder, downloads
from coursekit.data.downloads import CHUNK, RemoteFile, fetch

CONTENT = np.random.default_rng(0).bytes(3 * CHUNK + 17)


@pytest.fixture
def wanted(server):
    server.files["data.bin"] = CONTENT
    return RemoteFile("deep/data.bin", (server.address + "data.bin",), len(CONTENT), hashlib.md5(CONTENT).hexdigest())


def bring(file, folder, **options):
    return fetch([file], folder, title="Data", progress=False, pause=0.001, **options)[0]


def left_behind(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_file_is_fetched_once(server, wanted, tmp_path):
    path = bring(wanted, tmp_path)
    assert path == tmp_path / "deep/data.bin"
    assert path.read_bytes() == CONTENT
    bring(wanted, tmp_path)
    assert server.asked == [("data.bin", 0)]
    assert left_behind(tmp_path) == ["data.bin"]


@pytest.mark.parametrize(
    ("moods", "starts"),
    [
        (["breaks"], [0, len(CONTENT) // 2]),
        (["breaks", "503", "breaks"], None),
        (["breaks", "all over"], None),
        (["breaks", "all over, breaks", "503"], None),
        (["429", "500", "503"], [0, 0, 0, 0]),
        (["no length"], [0]),
        (["wrong bytes"], [0, 0]),
        (["breaks", "416"], [0, len(CONTENT) // 2, 0]),
    ],
)
def test_what_breaks_goes_on(server, wanted, tmp_path, moods, starts):
    server.moods = moods.copy()
    assert bring(wanted, tmp_path).read_bytes() == CONTENT
    assert not server.moods
    assert starts is None or [start for _, start in server.asked] == starts
    assert left_behind(tmp_path) == ["data.bin"]


def test_a_connection_that_falls_silent_is_given_up(server, wanted, tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "TIMEOUT", 0.2)
    server.moods = ["hangs"]
    assert bring(wanted, tmp_path).read_bytes() == CONTENT
    assert server.asked[1][1] == len(CONTENT) // 2


def test_stopped_from_the_keyboard(server, wanted, tmp_path, monkeypatch):
    def stop(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(downloads.time, "sleep", stop)
    server.moods = ["breaks", "503"]
    with pytest.raises(KeyboardInterrupt):
        bring(wanted, tmp_path)
    assert left_behind(tmp_path) == ["data.bin.part"]
    monkeypatch.undo()
    assert bring(wanted, tmp_path).read_bytes() == CONTENT
    assert server.asked[-1][1] == len(CONTENT) // 2


def test_the_next_call_goes_on_where_the_last_one_gave_up(server, wanted, tmp_path):
    server.moods = ["breaks", "503", "503", "503", "503"]
    with pytest.raises(DownloadError, match=r"503.*\n.*what has arrived so far is kept"):
        bring(wanted, tmp_path)
    assert left_behind(tmp_path) == ["data.bin.part"]
    server.asked.clear()
    assert bring(wanted, tmp_path).read_bytes() == CONTENT
    assert server.asked == [("data.bin", len(CONTENT) // 2)]


@pytest.mark.parametrize(
    ("there", "starts"),
    [
        (CONTENT[:1000], [1000]),  # half a file under the whole one's name: torchvision leaves these
        (bytes(1000), [1000, 0]),  # its bytes are wrong: that shows at the end
        (bytes(len(CONTENT)), [0]),
        (CONTENT + b"more", [0]),
        (b"", [0]),
    ],
)
@pytest.mark.parametrize("ending", ["", ".part"])
def test_what_lies_there_is_used_or_replaced(server, wanted, tmp_path, there, starts, ending):
    path = tmp_path / "deep" / f"data.bin{ending}"
    path.parent.mkdir()
    path.write_bytes(there)
    assert bring(wanted, tmp_path).read_bytes() == CONTENT
    if ending and len(there) == len(CONTENT):
        starts = [0]  # known to be wrong before anything is asked
    assert [start for _, start in server.asked] == starts
    assert left_behind(tmp_path) == ["data.bin"]


def test_a_whole_part_needs_no_request(server, wanted, tmp_path):
    """Killed after the last byte, before the file had its name."""
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/data.bin.part").write_bytes(CONTENT)
    assert bring(wanted, tmp_path).read_bytes() == CONTENT
    assert server.asked == []


@pytest.mark.parametrize(
    ("moods", "words"),
    [
        (["wrong bytes"] * 2, r"sends another file \(MD5 \w{32}, expected"),
        (["page"], r"sends another file \(26 bytes, expected 196,625\)"),
        (["404"], "404"),
        (["403"], "403"),
        (["breaks", "elsewhere"] + ["elsewhere"] * 9, "sends bytes from elsewhere"),
        (["503"] * 9, "503"),
    ],
)
def test_a_server_that_cannot_help_is_named(server, wanted, tmp_path, moods, words):
    server.moods = moods
    with pytest.raises(DownloadError, match=words) as error:
        bring(wanted, tmp_path)
    message = str(error.value)
    assert wanted.urls[0] in message
    assert f"put it here and call again:  {tmp_path / 'deep/data.bin'}" in message
    assert not (tmp_path / "deep/data.bin").exists()


def test_no_more_is_written_than_wanted(server, wanted, tmp_path):
    server.files["data.bin"] = CONTENT * 2
    server.moods = ["no length"]
    assert bring(wanted, tmp_path).read_bytes() == CONTENT


def test_the_next_address_is_tried(server, wanted, tmp_path):
    server.moods = ["404"]
    assert bring(wanted._replace(urls=wanted.urls * 2), tmp_path).read_bytes() == CONTENT


def test_without_a_network(wanted, tmp_path):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/data.bin"
        with pytest.raises(DownloadError, match="refused"):
            bring(wanted._replace(urls=(url,)), tmp_path)


def test_no_room_on_the_disk(server, wanted, tmp_path):
    with pytest.raises(DownloadError, match=r"Data needs .* MB in .* are free. Make room, or .*COURSEKIT_DATA"):
        bring(wanted._replace(size=10**17), tmp_path / "not" / "there")
    assert server.asked == []


def test_it_says_how_much_before_it_begins(wanted, tmp_path, capsys):
    fetch([wanted], tmp_path, title="Data", pause=0.001)
    said = capsys.readouterr()
    assert said.out.startswith("Data: 197 kB to fetch from 127.0.0.1")
    assert "1 s at 50 Mbit/s" in said.out
    assert "data.bin: 100%" in said.err
    fetch([wanted], tmp_path, title="Data")
    assert capsys.readouterr() == ("", "")
    (tmp_path / wanted.name).write_bytes(b"rubbish")
    fetch([wanted], tmp_path, title="Data", pause=0.001)
    assert capsys.readouterr().out.startswith("data.bin: damaged or cut short, to be mended.\nData: 197 kB")


def test_cache_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSEKIT_DATA", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("COURSEKIT_DATA")
    assert cache_folder() == Path.home() / ".cache/coursekit"


CHILD = """
import sys
from pathlib import Path
from coursekit.data.downloads import RemoteFile, fetch, locked
name, url, size, md5, folder = sys.argv[1:]
with locked(Path(folder)):
    fetch([RemoteFile(name, (url,), int(size), md5)], Path(folder), title="Data", progress=False, pause=30)
"""


def child(file, folder):
    name, (url,), size, md5 = file
    return subprocess.Popen([sys.executable, "-c", CHILD, name, url, str(size), md5, str(folder)])


def test_killed_in_the_middle_and_called_again(server, wanted, tmp_path):
    pytest.importorskip("filelock", reason="needs torch: python3 course.py setup")
    server.moods = ["breaks", "503"]  # and now it waits half a minute
    running = child(wanted, tmp_path)
    while len(server.asked) < 2:
        assert running.poll() is None
        time.sleep(0.01)
    running.kill()
    running.wait()
    assert left_behind(tmp_path / "deep") == ["data.bin.part"]
    assert bring(wanted, tmp_path).read_bytes() == CONTENT
    assert server.asked[-1] == ("data.bin", len(CONTENT) // 2)


def test_two_processes_fetch_once(server, wanted, tmp_path):
    pytest.importorskip("filelock", reason="needs torch: python3 course.py setup")
    both = [child(wanted, tmp_path) for _ in range(2)]
    assert [each.wait(60) for each in both] == [0, 0]
    assert server.asked == [("data.bin", 0)]
    assert (tmp_path / "deep/data.bin").read_bytes() == CONTENT
