"""The page for a student: readable, complete, and with nothing on it that a kernel or a hidden check says."""

import pytest
from small_source import write_small_source

from coursekit.grading import feedback
from coursekit.grading.score import REASONS, CheckResult, Grade, without_checks
from coursekit.grading.source import read_source


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return read_source(write_small_source(tmp_path_factory.mktemp("course")))


def grade_of(*outcomes, notes=()):
    ids = ("99.q1", "99.q1.hidden", "99.q2", "99.q3", "99.q3.hidden")
    points = (2, 2, 1, 2, 2)
    checks = tuple(
        CheckResult(id, of if outcome == "correct" else 0.0, of, outcome, REASONS[outcome], "ran")
        for id, of, outcome in zip(ids, points, outcomes, strict=True)
    )
    return Grade(sum(check.points for check in checks), 9.0, checks, "graded", "As it is.", notes)


def test_a_page_has_a_row_for_each_check(tmp_path, source):
    grade = grade_of("correct", "wrong", "nothing", "missing", "correct", notes=("q1: cell 7 counts.",))
    path = feedback.write(tmp_path, "김 민수", grade, source)
    assert path == tmp_path / "김 민수" / "99_small.html"
    page = path.read_text(encoding="utf-8")
    assert page.count("<tr>") == 6
    assert "A small assignment: 김 민수</title>" in page
    assert ">4</span> of 9 points" in page
    for words in ("right</span>", "wrong</span>", "not attempted</span>", "no answer</span>", "2 of 2", "0 of 1"):
        assert words in page
    assert page.count("1.1 A kernel slides") == 3  # where something is to be read again
    assert page.count("(not in your notebook)") == 2
    assert "the width of the map" in page
    assert "<li>q1: cell 7 counts.</li>" in page


def test_no_code_of_checks_or_solutions_is_on_it(tmp_path, source):
    page = feedback.write(tmp_path, "a", grade_of(*["wrong"] * 5), source).read_text(encoding="utf-8")
    for code in ("rng", "lambda", "check(", "np.empty", "28 - 5"):
        assert code not in page


def test_what_comes_from_outside_is_escaped(tmp_path, source):
    grade = without_checks(source, "refused", "<script>1</script>").with_notes(["<b>&"])
    page = feedback.write(tmp_path, "<i>x", grade, source).read_text(encoding="utf-8")
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "<li>&lt;b&gt;&amp;</li>" in page
    assert "<p>&lt;i&gt;x</p>" in page


def test_a_failure_of_ours_shows_no_points(tmp_path, source):
    page = feedback.write(tmp_path, "a", without_checks(source, "failed", "KeyError"), source).read_text()
    assert "Not graded yet" in page
    assert "KeyError" not in page
    assert "points" not in page.split("</style>")[1]


NAMES = [
    "..",
    ".",
    "",
    "../../etc",
    "/etc/passwd",
    "a/b",
    "a\\b",
    "\x00",
    "x" * 300,
    "이" * 200,
    "a\udce9",
    ".hidden",
    " a ",
]


@pytest.mark.parametrize("name", NAMES)
def test_no_name_leads_out_of_the_folder(tmp_path, source, name):
    folder = tmp_path / "feedback"
    path = feedback.write(folder, name, without_checks(source, "refused", "No."), source)
    assert path.is_file()
    assert path.resolve().parent.parent == folder.resolve()


def test_no_two_names_share_a_page(tmp_path, source):
    names = [*NAMES, "_", "a_b", "a", "hidden", "x" * 301, "con", "CON.txt", "a:b"]
    names += [feedback.file_name("a:b")]  # who is called as another one's page is
    assert len({feedback.page_of(tmp_path, name, source) for name in names}) == len(names)
