"""One set of versions: pyproject.toml, the two locks and environment.yml agree, and fit every system that we name."""

import concurrent.futures
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

REPOSITORY = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PYTHONS = ["3.11", "3.12", "3.13", "3.14"]
PLATFORMS = ["windows", "aarch64-apple-darwin", "x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"]


class Pin(NamedTuple):
    """One entry of a lock: a package may have several, for different Pythons."""

    name: str
    version: str
    marker: str
    hashes: frozenset
    via: frozenset  # who wants it

    def holds_for(self, python):
        return not self.marker or Marker(self.marker).evaluate(
            {"python_version": python, "python_full_version": python + ".5"}
        )


def read_lock(name):
    text = (REPOSITORY / name).read_text(encoding="utf-8")
    pins = []
    for block in re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]:
        head, _, tail = block.partition("\n")
        package, version, marker = re.fullmatch(r"([\w.-]+)==(\S+)(?: ; (.*?))? \\", head).groups()
        hashes = frozenset(re.findall(r"--hash=(sha256:[0-9a-f]{64})\b", tail))
        comments = re.findall(r"^    # +(?:via +)?(\S.*)$", tail, re.MULTILINE)
        pins.append(Pin(package, version, marker or "", hashes, frozenset(comments) - {"via"}))
    return pins


FULL, LIGHT = read_lock("requirements.lock"), read_lock("requirements-light.lock")


def direct_requirements():
    extras = PROJECT["optional-dependencies"].values()
    listed = [*PROJECT["dependencies"], *(line for extra in extras for line in extra)]
    return [r for r in map(Requirement, listed) if r.name != PROJECT["name"]]


DIRECT = {canonicalize_name(requirement.name): requirement for requirement in direct_requirements()}


def test_reading_the_locks_misses_nothing():
    for name, pins in (("requirements.lock", FULL), ("requirements-light.lock", LIGHT)):
        text = (REPOSITORY / name).read_text(encoding="utf-8")
        assert len(pins) == text.count("==") - text.count("== '") - text.count('== "') > 100
        assert sum(len(pin.hashes) for pin in pins) == text.count("--hash=")
        assert all(pin.hashes and pin.via for pin in pins)


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-light.lock", "environment.yml"])
def test_no_addresses(name):
    text = (REPOSITORY / name).read_text(encoding="utf-8").lower()
    for word in ("http:", "https:", "://", "@ ", "file:", "index", "find-links", "trusted-host"):
        assert word not in text


@pytest.mark.parametrize("python", PYTHONS)
def test_direct_dependencies_are_locked_within_their_range(python):
    for name, requirement in DIRECT.items():
        versions = [pin.version for pin in FULL if pin.name == name and pin.holds_for(python)]
        assert len(versions) == 1, f"{name}: {versions}"
        assert requirement.specifier.contains(versions[0]), f"{requirement}: {versions}"


def test_what_the_course_promises():
    assert PROJECT["requires-python"] == ">=3.11"
    assert not DIRECT["torch"].specifier.contains("2.10.0")
    assert DIRECT["torch"].specifier.contains("2.11.0")
    assert DIRECT["torchvision"].specifier.contains("0.26.0")
    assert DIRECT["numpy"].specifier.contains("2.4.9")
    assert not DIRECT["numpy"].specifier.contains("2.5.0")


def test_the_light_lock_is_the_full_one_without_what_torch_alone_brings():
    extras = PROJECT["optional-dependencies"]
    heavy = {canonicalize_name(Requirement(line).name) for line in [*extras["torch"], *extras["torch-dev"]]}
    wanted = set(DIRECT) - heavy
    while more := {pin.name for pin in FULL if pin.via & wanted} - wanted - heavy:
        wanted |= more
    assert {"sympy", "filelock", "triton", "nvidia-cudnn-cu13"}.isdisjoint(wanted)  # the way of counting works
    assert {pin[:4] for pin in LIGHT} == {pin[:4] for pin in FULL if pin.name in wanted}
    assert {pin.name for pin in FULL} > wanted


def conda_file():
    yaml = pytest.importorskip("yaml")
    return yaml.safe_load((REPOSITORY / "environment.yml").read_text(encoding="utf-8"))


def pip_part():
    (part,) = (item for item in conda_file()["dependencies"] if isinstance(item, dict))
    return part["pip"]


def test_the_conda_file_has_the_locked_versions():
    rattler = pytest.importorskip("rattler")
    specs = [rattler.MatchSpec(item, strict=True) for item in conda_file()["dependencies"] if isinstance(item, str)]
    assert conda_file()["channels"][0] == "conda-forge"
    assert [spec.name.normalized for spec in specs] == ["python", "pip"]
    python = str(specs[0].version).removesuffix(".*")
    assert SpecifierSet(PROJECT["requires-python"]).contains(python + ".0")

    *pinned, last = pip_part()
    assert last == "-e ."
    locked = {f"{pin.name}=={pin.version}" for pin in FULL if pin.name in DIRECT and pin.holds_for(python)}
    assert sorted(pinned) == sorted(locked)
    for line in pinned:
        rattler.MatchSpec(line, strict=True)


def dry_run(platform, python, empty):
    """Have uv choose the files of a full set-up for a system, without downloading them."""
    where = ["--target", empty / f"{platform}-{python}", "--python-platform", platform, "--python-version", python]
    what = ["--require-hashes", "--only-binary", ":all:", "-r", REPOSITORY / "requirements.lock"]
    # what torch for Apple's processors needs at least
    environment = dict(os.environ, MACOSX_DEPLOYMENT_TARGET="14.0")
    command = [sys.executable, "-m", "uv", "pip", "install", "--dry-run", *where, *what]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


@pytest.mark.network
@pytest.mark.slow
def test_the_lock_can_be_installed_on_every_system(tmp_path):
    pytest.importorskip("uv")
    probe = dry_run(PLATFORMS[-2], PYTHONS[0], tmp_path)
    if re.search(r"error sending request|dns error|failed to fetch|connectivity is disabled", probe.stderr, re.I):
        pytest.skip("no package index can be reached")
    pairs = [(platform, python) for platform in PLATFORMS for python in PYTHONS]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda pair: dry_run(*pair, tmp_path), pairs))
    for (platform, python), result in zip(pairs, results, strict=True):
        assert result.returncode == 0, f"{platform}, Python {python}:\n{result.stderr}"
        assert f"+ torch=={next(pin.version for pin in FULL if pin.name == 'torch')}\n" in result.stderr
    assert len(results) == 16
