"""course.py meeting trouble: a broken .venv, packages that do not fit, a machine that lacks something."""

import ast
import glob
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.name == "nt", reason="these tests use POSIX shells and mount folders")

REPOSITORY = Path(__file__).resolve().parents[2]
FULL = {"flit_core", "pebble", "torch", "torchvision", "coursekit"}


# -- a broken .venv


def lose_python(course):
    course.python.unlink()
    course.python.symlink_to(course.parent / "gone")


def spoil_python(course):
    course.python.unlink()
    course.python.write_text("#!/bin/sh\nexit 1\n")
    course.python.chmod(0o755)


def lose_settings(course):
    (course.venv / "pyvenv.cfg").unlink()


def other_python(course):
    (lib,) = course.venv.glob("lib/python*")
    lib.rename(lib.with_name("python3.9"))


def move(course):
    new = course.parent / "새 곳 b"
    course.folder.rename(new)
    course.folder, course.venv, course.python = new, new / ".venv", new / ".venv" / "bin" / "python"


BROKEN = {
    lose_python: "its Python is gone",
    spoil_python: "its Python is gone",
    lose_settings: "pyvenv.cfg is missing",
    other_python: "another one",
    move: "moved here from",
}


@pytest.mark.parametrize("spoil", BROKEN, ids=lambda function: function.__name__)
def test_broken_is_made_anew(course, spoil):
    course("setup", "--light")
    spoil(course)
    result = course("run")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("Making .venv: ")
    assert BROKEN[spoil] in result.stdout.splitlines()[0]
    assert result.stdout.splitlines()[-1] == "coursekit ['run']"
    assert set(course.installed()) == FULL - {"torch", "torchvision"}  # of the same kind as before


def test_missing_packages_are_installed(course):
    course("setup")
    (site,) = course.venv.glob("lib/python*/site-packages")
    shutil.rmtree(site / "pebble")
    shutil.rmtree(site / "pebble-1.0.dist-info")
    assert "packages are missing: pebble." in course("run").stdout
    assert course.installed()["pebble"] == "1.0"


def test_a_venv_made_by_hand_is_filled_and_kept(course):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", course.venv], check=True)
    (course.venv / "mine").write_text("kept")
    assert course("run").stdout.splitlines()[-1] == "coursekit ['run']"
    assert (course.venv / "mine").read_text() == "kept"


def test_a_file_in_the_way_is_left_alone(course):
    course.venv.write_text("precious")
    course.says(course("run"), str(course.venv), "is in the way")
    assert course.venv.read_text() == "precious"


def test_a_folder_of_other_things_is_left_alone(course):
    course.venv.mkdir()
    (course.venv / "thesis.tex").write_text("precious")
    course.says(course("run"), str(course.venv), "is in the way")
    assert (course.venv / "thesis.tex").read_text() == "precious"


def test_a_broken_stamp_is_written_again(course):
    course("setup", "--light")
    (course.venv / "course-setup.json").write_text("{")
    assert course("setup", "--light").returncode == 0
    assert json.loads((course.venv / "course-setup.json").read_text())["kind"] == "light"


# -- torch and torchvision


def test_torch_and_torchvision_that_do_not_fit(course):
    course("setup")
    python = [sys.executable, "-m", "pip", "--python", course.python]
    command = [course.uv, "pip", "install", "--python", course.python] if course.uv else [*python, "install"]
    subprocess.run([*command, "torch==2.13.0"], env=course.environment(), check=True, capture_output=True)
    words = "torch 2.13.0 and torchvision 0.29.2 do not fit", "torchvision::nms", "setup puts the tested pair back"
    course.says(course("run"), *words)
    result = course("setup")
    assert result.returncode == 0, result.stderr
    assert course.installed()["torch"] == "2.15.0"
    assert course("run").stdout == "coursekit ['run']\n"


def test_fitting_versions_of_builds_that_do_not_fit(course):
    course("setup")
    (site,) = course.venv.glob("lib/python*/site-packages")
    (site / "torch-2.15.0.dist-info").rename(site / "torch-2.15.0+cpu.dist-info")
    (site / "torch" / "__init__.py").unlink()  # a hard link into uv's cache
    (site / "torch" / "__init__.py").write_text('__version__ = "2.15.0+cpu"\n')
    course.says(course("run"), "torch 2.15.0+cpu and torchvision 0.29.2", "operator torchvision::nms does not exist")


def test_another_pair_that_fits_is_asked_about_once(course):
    course("setup")
    (site,) = course.venv.glob("lib/python*/site-packages")
    (site / "torch-2.15.0.dist-info").rename(site / "torch-2.15.0+cu.dist-info")
    assert course("run").stdout == "coursekit ['run']\n"
    shutil.rmtree(site / "torchvision")  # so that it would not be found to fit if it were asked about again
    assert course("run").stdout == "coursekit ['run']\n"


def test_a_pair_that_cannot_be_imported_is_seen_at_the_end_of_the_set_up(course):
    # as from a mirror with builds that do not fit: of the right versions by name
    course("setup")
    (site,) = course.venv.glob("lib/python*/site-packages")
    (site / "torch" / "__init__.py").unlink()
    (site / "torch" / "__init__.py").write_text('__version__ = "2.15.0.dev1"\n')
    course.says(
        course("setup"), "all is installed, but torch 2.15.0 and torchvision 0.29.2 do not fit", "makes .venv anew"
    )
    assert "did not reach its end" in course("setup").stdout
    assert course("run").stdout == "coursekit ['run']\n"


# -- what a machine can lack


def old_pythons():
    """Interpreters too old for the course that happen to be here: on PATH, or installed by pyenv or uv."""
    folders = os.environ.get("PATH", "").split(os.pathsep)
    folders += glob.glob(os.path.expanduser("~/.pyenv/versions/*/bin"))
    folders += glob.glob(os.path.expanduser("~/.local/share/uv/python/*/bin"))
    for minor in range(6, 11):
        found = [path for folder in folders if (path := Path(folder, f"python3.{minor}")).exists()]
        yield from ((minor, path) for path in found if not subprocess.call([path, "-c", ""], stderr=subprocess.DEVNULL))


def test_old_pythons_are_told_so():
    pythons = list(old_pythons())
    if not pythons:
        pytest.skip("no Python from 3.6 to 3.10 is installed here")
    for minor, python in pythons:
        result = subprocess.run([python, REPOSITORY / "course.py", "lab"], capture_output=True, text=True)
        assert (result.returncode, result.stderr.count("\n")) == (1, 1)
        assert f"needs Python 3.11 or newer, and this is 3.{minor}:" in result.stderr


def test_python_3_6_can_read_it():
    ast.parse((REPOSITORY / "course.py").read_text(encoding="utf-8"), feature_version=(3, 6))


def test_no_network(each_course):
    closed = "http://127.0.0.1:1/simple/"
    result = each_course("run", PIP_INDEX_URL=closed, UV_DEFAULT_INDEX=closed)
    each_course.says(result, "network", "mirror")
    assert each_course("run").returncode == 0


def test_what_a_folder_is_called_does_not_count_as_the_cause(course):
    new = course.folder.with_name("failed to fetch")
    course.folder.rename(new)
    course.folder = new
    (new / "pyproject.toml").write_text("not TOML")
    course.says(course("run"), "it did not work")


def test_an_update_without_network_spoils_nothing(course):
    course("setup")
    course.write_locks("2.0")
    closed = "http://127.0.0.1:1/simple/"
    course.says(course("run", PIP_INDEX_URL=closed, UV_DEFAULT_INDEX=closed), "network")
    course.write_locks("1.0")  # as before the pull
    assert course("run").stdout == "coursekit ['run']\n"


def test_a_download_that_is_not_the_tested_one(course):
    lock = course.folder / "requirements.lock"
    lock.write_text(lock.read_text().replace("sha256:", "sha256:0")[:-2])
    lock.write_text(course.index.pin("pebble", "1.0").rpartition(":")[0] + ":" + "0" * 64 + "\n")
    course.says(course("run"), "not the file that was tested")


HIDE = """
import sys
class Hide:
    def find_spec(name, path=None, target=None):
        if name == "{module}":
            raise ModuleNotFoundError("No module named '{module}'")
sys.meta_path.insert(0, Hide)
"""


@pytest.mark.parametrize("module", ["ensurepip", "venv"])
def test_debian_without_python3_venv(course, module):
    shutil.rmtree(course.path)  # no uv
    hidden = course.parent / "hidden"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text(HIDE.format(module=module))
    course.says(course("run", PYTHONPATH=str(hidden)), "apt install python3-venv", "uv")


def in_a_mount(course, script):
    """Run a shell script, then course.py, in a mount namespace of their own."""
    mounts = ["unshare", "--user", "--map-root-user", "--mount"]
    if not shutil.which("unshare") or subprocess.run([*mounts, "true"], capture_output=True).returncode:
        pytest.skip("this user may not mount folders here")
    course_py = '; exec "$0" "$2/course.py" setup'
    arguments = [sys.executable, str(course.parent), str(course.folder)]
    return subprocess.run(
        [*mounts, "sh", "-c", script + course_py, *arguments],
        env=course.environment(PATH=f"{course.path}:/usr/sbin:/usr/bin:/sbin:/bin", UV_LINK_MODE="copy"),
        capture_output=True,
        text=True,
    )


def test_a_folder_that_may_only_be_read(course):
    script = 'mount --bind "$2" "$2" && mount -o remount,ro,bind "$2" || exit 77; cd /'
    course.says(in_a_mount(course, script), "may not be written", str(course.venv), "a folder of your own")


def test_a_set_up_folder_that_may_only_be_read_still_works(course):
    course("setup", "--light")
    script = 'mount --bind "$2" "$2" && mount -o remount,ro,bind "$2" || exit 77; "$0" "$2/course.py" run; exit'
    assert in_a_mount(course, script).stdout == "coursekit ['run']\n"


FILL = 'cp -a "$2" "$1/copy" && mount -t tmpfs -o size={size} tmpfs "$2" && cp -a "$1/copy/." "$2" || exit 77; cd /'


def test_a_disk_that_gets_full(course):
    text = (course.folder / "course.py").read_text(encoding="utf-8")
    (course.folder / "course.py").write_text(text.replace("(0.1, 0.1)", "(0, 0)"), encoding="utf-8")
    course.says(in_a_mount(course, FILL.format(size="400k")), "the disk is full")


def test_a_disk_that_is_too_small_is_seen_before_the_download(course):
    result = in_a_mount(course, FILL.format(size="50m"))
    course.says(result, "does not fit", "setup --light")
    assert course.index.requests == []
