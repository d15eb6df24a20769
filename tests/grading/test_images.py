"""Checks of trained networks: hidden digits go into the kernel, labels come out, and the truth stays outside."""

import json

import nbformat
import numpy as np
import pytest
from small_source import _about, _code, _text

from coursekit.check import check, generator
from coursekit.data import draw_digits, load_mnist
from coursekit.grading import execute, images, reference
from coursekit.grading.assemble import assemble
from coursekit.grading.release import public_values
from coursekit.grading.sandbox import Sandbox
from coursekit.grading.score import expectations, score
from coursekit.grading.source import SourceError, read_source
from coursekit.grading.submission import Cell, Submission

CLASSIFY = '''def classify(images: np.ndarray) -> np.ndarray:
    """Label digits, uint8 (N, 28, 28): (N,) integers."""
    ### BEGIN SOLUTION
    known, labels = load_mnist("validation")
    means = np.array([known[labels == digit].mean(0).ravel() for digit in range(10)])
    far = [((image.ravel() - means) ** 2).sum(1) for image in images.astype(float)]
    return np.argmin(far, axis=1)
    ### END SOLUTION'''
CHECK = 'check("99.q1", lambda images: classify(images), images=200)'
SHARES = [0.3, 0.6]
SEED = 12345


def write(tmp_path, check=CHECK, **about):
    how = {"kind": "labels", "at_least": SHARES, "partial": True}
    ours = {**_about("window_sums", "turned_kernel", "classify"), "misunderstandings": [], "compare": how, **about}
    setup = "import numpy as np\n\nfrom coursekit.check import check\nfrom coursekit.data import load_mnist"
    cells = [
        _text("title", "# Digits"),
        _code("setup", setup, locked=True),
        _code("q1", CLASSIFY, solution=True),
        _code("q1-check", check, points=4, coursekit=ours),
    ]
    allow = {"packages": ["numpy"], "modules": ["coursekit.check", "coursekit.data"]}
    meta = {"assignment": "99_digits", "title": "Digits", "chapter": "05_training_a_convnet", "allow": allow}
    path = tmp_path / "99_digits.ipynb"
    path.write_text(nbformat.writes(nbformat.v4.new_notebook(cells=cells, metadata={"coursekit": meta})))
    return path


@pytest.fixture
def source(tmp_path):
    return read_source(write(tmp_path))


def graded(source, answer, sandbox):
    found = reference.run(source, SEED)
    assert found.problems == []
    submission = Submission("kim", None, "", (Cell(1, "code", answer, "q1", "q1"),), ())
    notebook = assemble(source, submission, SEED).notebook
    return score(source, execute.run(notebook, sandbox=sandbox, seed=SEED), expectations(source, found)).checks[0]


def test_digits_are_drawn_by_the_seed_and_shifted():
    drawn, labels = draw_digits("validation", 500, generator(1, "99.q1", 0))
    again, other = (draw_digits("validation", 500, generator(seed, "99.q1", 0))[0] for seed in (1, 2))
    assert drawn.dtype == np.uint8
    assert (drawn == again).all()
    assert (drawn != other).any()
    known = {image.tobytes(): label for image, label in zip(*load_mnist("validation"), strict=True)}
    unshifted = [known.get(image.tobytes()) for image in drawn]
    assert 20 < sum(label is not None for label in unshifted) < 100  # one of nine shifts is none
    assert all(label in (None, right) for label, right in zip(unshifted, labels, strict=True))
    with pytest.raises(ValueError, match="expected 1 to 5,000"):
        draw_digits("validation", 5001, generator(1, "99.q1", 0))


@pytest.mark.slow
def test_a_classifier_is_judged_outside(source):
    room = Sandbox(source.packages, source.modules)
    right = CLASSIFY.replace("### BEGIN SOLUTION", "").replace("### END SOLUTION", "")
    result = graded(source, right, room)
    assert (result.outcome, result.points) == ("correct", 4)
    half = right.replace("return np", "far = np.array(far)\n    far[::2] = 0\n    return np")
    result = graded(source, half, room)
    assert (result.outcome, result.points) == ("wrong", 2)
    assert result.reason.startswith("1 of 2 cases are right.")
    result = graded(source, "def classify(images):\n    return np.full(len(images), 1)", room)
    assert (result.outcome, result.points) == ("wrong", 0)


@pytest.mark.slow
def test_the_sandbox_holds_the_training_part_alone(source):
    spy = """def classify(images):
    from pathlib import Path
    import coursekit.data
    load_mnist("train+validation")
    files = sorted(p.name for p in Path(coursekit.data.__file__).parent.glob("mnist/*.gz"))
    assert files == ["train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"], files
    try:
        load_mnist("test")
    except OSError:
        return np.array(LABELS)"""
    truth = [int(value) for value in images.truth(source.checks[0], SEED)[0]["values"]]
    # whoever has the labels is right: so the assertions in the spy held
    result = graded(source, spy.replace("LABELS", json.dumps(truth)), Sandbox(source.packages, source.modules))
    assert result.outcome == "correct"


def test_learners_label_digits_of_the_validation_part(source):
    values = public_values(source)["checks"]["99.q1"]
    assert values["images"] == 200
    _, labels = draw_digits("validation", 200, generator(20261, "99.q1", 0))
    assert values["cases"][0]["values"] == labels.tolist()


@pytest.mark.parametrize(
    ("right", "said"), [(200, "correct, 2 of 2 cases"), (100, "not yet: case 2 of 2."), (20, "not yet: case 1 of 2.")]
)
@pytest.mark.slow
def test_learners_are_told_which_share_they_have_reached(source, tmp_path, monkeypatch, capsys, right, said):
    (tmp_path / "99_digits.public.json").write_text(json.dumps(public_values(source)))
    monkeypatch.setenv("COURSEKIT_VALUES", str(tmp_path))
    monkeypatch.setenv("COURSEKIT_CHECK", "display")
    _, labels = draw_digits("validation", 200, generator(20261, "99.q1", 0))
    answer = np.where(np.arange(200) < right, labels, (labels + 1) % 10)
    check("99.q1", lambda images: answer, images=200)
    assert said in capsys.readouterr().out


def test_a_solution_below_its_own_bar_is_refused(tmp_path):
    source = read_source(write(tmp_path, compare={"kind": "labels", "at_least": 0.999}))
    (problem,) = reference.run(source, SEED).problems
    assert "the solution fails: 1" in problem
    assert "99.9 % are asked for" in problem


@pytest.mark.parametrize(
    ("check", "about", "words"),
    [
        (CHECK, {"compare": {"kind": "numbers"}}, 'its compare kind has to be "labels"'),
        (CHECK.replace("200", "200, cases=2"), {}, "images are one case"),
        (CHECK.replace("200", "n"), {}, "images has to be spelled out"),
    ],
)
def test_a_check_written_wrongly_is_named(tmp_path, check, about, words):
    with pytest.raises(SourceError, match=words):
        read_source(write(tmp_path, check, **about))
