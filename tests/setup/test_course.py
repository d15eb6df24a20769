"""course.py, run as it is by the real installers on a tiny course."""

import glob
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.name == "nt", reason="these tests send POSIX signals and mount folders")

REPOSITORY = Path(__file__).resolve().parents[2]
FULL = {"flit_core", "pebble", "torch", "torchvision", "coursekit"}


def processes_in(group):
    """Process ids of a group that still live."""
    found = []
    for stat in glob.glob("/proc/[0-9]*/stat"):
        try:
            fields = Path(stat).read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            found.append(int(stat.split("/")[2]))
    return found


# -- setting up and handing over


def test_first_call_sets_up_and_the_second_installs_nothing(each_course):
    course = each_course
    first = course("run", "--out", "some where")
    assert first.returncode == 0, first.stderr
    assert first.stdout.splitlines()[-1] == "coursekit ['run', '--out', 'some where']"
    assert "downloads up to" in first.stdout
    assert set(course.installed()) == FULL

    course.index.requests.clear()
    second = course("run")
    assert (second.returncode, second.stdout, second.stderr) == (0, "coursekit ['run']\n", "")
    assert course.index.requests == []


def test_pth_is_ascii_and_works_in_the_c_locale(each_course):
    course = each_course
    assert course("setup").returncode == 0
    (path_file,) = course.venv.glob("lib/python*/site-packages/coursekit.pth")
    assert path_file.read_bytes() == b"../../../..\n"
    plain = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    command = [course.python, "-c", "import coursekit, sys; print(sys.getfilesystemencoding())"]
    child = subprocess.run(command, cwd="/", env=plain, capture_output=True, text=True)
    assert (child.returncode, child.stderr) == (0, "")
    # and the other locale does not take the folder for another one
    assert course("run", **plain).stdout == "coursekit ['run']\n"


def test_an_absolute_pth_is_mended_by_setup(course):
    course("setup")
    (path_file,) = course.venv.glob("lib/python*/site-packages/coursekit.pth")
    path_file.unlink()
    path_file.write_text(str(course.folder), encoding="utf-8")
    result = course("setup", LC_ALL="C", PYTHONCOERCECLOCALE="0", PYTHONUTF8="0")
    assert result.returncode == 0, result.stderr
    assert path_file.read_bytes() == b"../../../..\n"


def test_setup_ends_with_what_was_done_and_what_to_type_next(course):
    lines = course("setup").stdout.splitlines()
    assert lines[-3] == f"Done: the full set-up stands in {course.venv}."
    assert lines[-2].startswith(f'Next: python3 "{course.folder / "course.py"}" lab ')
    assert "test --fast" in lines[-1]


def test_tests_run_in_the_repository_and_pass_their_exit_code_on(course):
    course("setup")
    result = course("test", "--fast", "-k", "conv and not pool")
    assert result.returncode == 3
    assert result.stdout == "pytest ['-m', 'not slow', '-n', 'auto', 'tests', 'coursekit', '-k', 'conv and not pool']\n"
    assert course("test", "-x").stdout == "pytest ['-x']\n"
    result = course("test")
    assert result.stdout.splitlines() == [
        "pytest ['-m', 'not slow', '-n', 'auto', 'tests', 'coursekit']",
        "pytest ['-m', 'slow and not alone', '-n', 'auto', '--dist', 'loadfile']",
        "pytest ['-m', 'slow and alone']",
    ]
    assert result.returncode == 3


def test_what_a_learner_types_goes_to_the_package(course):
    course("setup", "--light")
    assert course("lab", "--no-browser").stdout == "coursekit ['lab', '--no-browser']\n"
    assert course("reset", "01").stdout == "coursekit ['reset', '01']\n"
    assert course("progress").stdout == "coursekit ['progress']\n"
    assert course("check", "my/a b.ipynb").stdout == "coursekit ['check', 'my/a b.ipynb']\n"


def test_a_link_to_the_folder_is_the_same_folder(course):
    course("setup")
    link = course.parent / "link"
    link.symlink_to(course.folder)
    result = subprocess.run(
        [sys.executable, link / "course.py", "run"],
        cwd=REPOSITORY,  # where there is another coursekit, which must not be taken
        env=course.environment(),
        capture_output=True,
        text=True,
    )
    assert (result.stdout, result.stderr) == ("coursekit ['run']\n", "")


def test_a_console_without_korean_letters(course):
    result = course("setup", PYTHONIOENCODING="ascii")
    assert result.returncode == 0, result.stderr
    assert "?? a/.venv" in result.stdout


def test_help_and_wrong_words_install_nothing(course):
    assert "JupyterLab" in course("--help").stdout
    assert "JupyterLab" in course("lab", "--help").stdout
    assert course("setup", "--lite").returncode == 2
    assert course("lecture").returncode == 2
    assert not course.venv.exists()


def test_inside_another_environment(course):
    other = course.parent / "other"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", other], check=True)
    result = subprocess.run(
        [other / "bin" / "python", course.folder / "course.py", "setup"],
        env=course.environment(VIRTUAL_ENV=str(other)),
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    shutil.rmtree(other)
    assert course("run").stdout == "coursekit ['run']\n"


def test_the_second_call_is_cheap(course):
    course("setup", "--light")

    def seconds(command):
        begin = time.perf_counter()
        subprocess.run(command, env=course.environment(), cwd="/", check=True, capture_output=True)
        return time.perf_counter() - begin

    through = min(seconds(course.command("run")) for _ in range(5))
    straight = min(seconds([course.python, "-m", "coursekit", "run"]) for _ in range(5))
    assert through - straight < 1  # 0.1 on an idle machine


# -- kinds of set-up


def test_light_stays_light_and_setup_makes_it_full(course):
    assert "light set-up" in course("setup", "--light").stdout
    assert set(course.installed()) == FULL - {"torch", "torchvision"}
    course("run")
    assert "torch" not in course.installed()
    assert "full set-up yet" in course("setup").stdout
    assert set(course.installed()) == FULL
    assert "not the light one" in course("setup", "--light").stdout
    assert set(course.installed()) == FULL - {"torch", "torchvision"}


def test_cpu_takes_the_locked_versions_from_pytorchs_index(course):
    if not course.uv:
        pytest.skip("uv is not installed here")
    # PyTorch's index is not asked here: its one command is written down, and all others go to the real uv
    log = course.parent / "log"
    (course.path / "uv").unlink()
    (course.path / "uv").write_text(
        f'#!/bin/sh\ncase "$*" in *--torch-backend*) echo "$@" > "{log}";; *) exec "{course.uv}" "$@";; esac\n'
    )
    (course.path / "uv").chmod(0o755)
    result = course("setup", "--cpu")
    assert result.returncode == 0, result.stderr
    assert "NOT checked" in result.stdout
    assert log.read_text() == (
        f"pip install --python {course.python} --torch-backend cpu torch==2.15.0 torchvision==0.29.2\n"
    )


def test_cpu_without_uv_says_how_to_get_it(course):
    shutil.rmtree(course.path)
    course.says(course("setup", "--cpu"), "needs uv", "pip install uv")
    assert not course.venv.exists()


@pytest.mark.slow
def test_an_update_when_uv_is_gone_again(course):
    course("setup", "--light")
    shutil.rmtree(course.path)
    course.write_locks("2.0")
    assert course("run").stdout.splitlines()[-1] == "coursekit ['run']"
    assert course.installed()["pebble"] == "2.0"


def test_a_changed_lock_is_installed(course):
    course("setup")
    course.write_locks("2.0")
    result = course("run")
    assert "Updating .venv: " in result.stdout
    assert "requirements.lock" in result.stdout
    assert "coursekit ['run']" in result.stdout
    assert course.installed()["pebble"] == "2.0"


# -- interruptions


@pytest.mark.slow  # by itself: beside other tests the signal now and then comes to nothing
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_with_a_sentence_and_the_next_call_goes_on(each_course, stop):
    course = each_course
    course.index.open.clear()
    running = course.start("run")
    assert course.index.reached.wait(60)
    if stop == signal.SIGINT:
        os.killpg(running.pid, stop)  # as a terminal does
    else:
        running.send_signal(stop)
    _, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert err.strip().splitlines()[-1] == "course.py: stopped; the same command goes on from here."
    assert "course.py" not in err.replace("course.py: stopped", "")  # no traceback of ours
    deadline = time.monotonic() + 10
    while processes_in(running.pid) and time.monotonic() < deadline:  # an installer's helpers end after it
        time.sleep(0.1)
    assert processes_in(running.pid) == []

    course.index.open.set()
    again = course("run")
    assert again.returncode == 0, again.stderr
    assert "did not reach its end" in again.stdout
    assert set(course.installed()) == FULL


def test_killed_and_again(each_course):
    course = each_course
    course.index.open.clear()
    running = course.start("setup", "--light")
    assert course.index.reached.wait(60)
    running.kill()
    running.wait()
    course.index.open.set()  # the installer, an orphan now, may go on: the next call must wait for it
    again = course("run")
    running.communicate()
    assert again.returncode == 0, again.stderr
    assert again.stdout.splitlines()[-1] == "coursekit ['run']"
    assert "torch" not in course.installed()  # the kind that was asked for
    assert course("run").stdout == "coursekit ['run']\n"


def test_killed_in_an_update(course):
    course("setup")
    course.write_locks("2.0")
    course.index.open.clear()
    running = course.start("run")
    assert course.index.reached.wait(60)
    os.killpg(running.pid, signal.SIGKILL)
    running.communicate()
    course.index.open.set()
    assert course("run").returncode == 0
    assert course.installed()["pebble"] == "2.0"


def test_two_at_once_take_turns(course):
    course.index.open.clear()
    first = course.start("run")
    assert course.index.reached.wait(60)
    second = course.start("run")
    assert "waiting for its end" in second.stdout.readline()
    course.index.open.set()
    assert first.communicate(timeout=60)[0].splitlines()[-1] == "coursekit ['run']"
    assert second.communicate(timeout=60)[0] == "coursekit ['run']\n"  # found all done
    assert (first.returncode, second.returncode) == (0, 0)
