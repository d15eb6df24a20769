"""Item analysis, against numbers worked out by hand, and the instructor's page."""

import html

import numpy as np
import pytest

from coursekit.grading.gradebook import Entry
from coursekit.grading.items import analyse, write_index
from coursekit.grading.score import REASONS, CheckResult, Grade, without_checks

SLIP = "The flip was forgotten."


def grade(*shares, told=f"1 of 2 cases are right. {REASONS['wrong']} {SLIP}"):
    """A grade with a check of 4 points for each share; None is a check that was not attempted."""
    checks = tuple(
        CheckResult(
            f"99.q{number}",
            4 * (share or 0),
            4,
            "nothing" if share is None else "correct" if share == 1 else "wrong",
            "" if share == 1 else told,
            "ran",
        )
        for number, share in enumerate(shares, 1)
    )
    return Grade(sum(check.points for check in checks), 4 * len(shares), checks, "graded", "said")


# q1 everybody has, q5 nobody; who has q2 lacks q4
CLASS = [
    grade(1, 1, 1, 0, 0),
    grade(1, 1, 1, 0, 0),
    grade(1, 1, 0.5, 0, 0),
    grade(1, 0, 0, 1, 0),
    grade(1, 0, None, 1, 0),
    grade(1, 0, 0, 1, 0),
]


def test_numbers_by_hand():
    found = analyse("99_small", [*CLASS, refused()])
    assert [item.id for item in found.items] == [f"99.q{k}" for k in range(1, 6)]
    assert [item.share for item in found.items] == pytest.approx([1, 0.5, 2.5 / 6, 0.5, 0])
    assert [item.attempted for item in found.items] == [6, 6, 5, 6, 6]
    rest = np.array([8, 8, 6, 8, 8, 8.0])  # of q2: the others' points
    q2 = np.corrcoef([4, 4, 4, 0, 0, 0], rest)[0, 1]
    assert found.items[1].discrimination == pytest.approx(q2)
    assert found.items[0].discrimination is None
    assert found.others == 1
    assert found.points == (8, 8, 8, 10, 12, 12)
    assert found.median == 9
    assert found.counts == [0, 0, 0, 0, 3, 1, 2, 0, 0, 0]


def test_verdicts():
    everybody, against, third, other, nobody = analyse("99", CLASS).items
    assert everybody.verdict == "everybody has it"
    assert nobody.verdict == "nobody has it"
    assert against.discrimination < 0
    assert other.verdict == against.verdict == "look at it: the better students lose it"
    assert third.verdict == "nothing to compare with"  # the other four add up to the same for all six
    assert (third.slips, third.slip) == (3, SLIP)


def test_a_check_that_goes_with_the_rest_separates_and_luck_hardly_does():
    rng = np.random.default_rng(0)
    able = rng.normal(size=400)
    rows = [[float(a + rng.normal() > 0) for _ in range(4)] + [float(rng.random() > 0.5)] for a in able]
    *good, luck = analyse("99", [grade(*row) for row in rows]).items
    assert {item.verdict for item in good} == {"separates"}
    assert luck.verdict != "separates"
    assert abs(luck.discrimination) < 0.2 < min(item.discrimination for item in good)


def test_what_nobody_was_told_is_no_misunderstanding():
    assert analyse("99", [grade(0, 1, told=REASONS["wrong"])] * 6).items[0].slip == ""


def test_few_students_and_none():
    assert {item.verdict for item in analyse("99", CLASS[:3]).items} == {"too few students"}
    for grades in ([], [refused()]):
        found = analyse("99", grades)
        assert (found.items, found.points, found.median) == ((), (), 0)


def test_a_check_that_was_added_later_leaves_the_older_grades_out():
    found = analyse("99", [*CLASS, grade(1, 1)])
    assert len(found.items) == 5
    assert found.items[1].attempted == 6
    assert len(found.points) == 7


def test_one_page_for_all_assignments(tmp_path):
    name = "<script>alert(1)</script> 김민지 #1?"
    entries = [Entry(f"student {k}", "98_other", each) for k, each in enumerate(CLASS)]
    entries += [Entry(name, "99_small", grade(1, 0)), Entry("late", "99_small", refused())]
    page = write_index(entries, tmp_path).read_text(encoding="utf-8")
    assert page.index("98_other") < page.index("99_small")
    assert "<script>" not in page
    assert html.escape(name) in page
    assert page.count('href="feedback/') == 8
    assert "1 refused or not gradable" in page
    assert f"<td>3: {SLIP}</td>" in page
    for address in page.split('href="')[1:]:
        assert not set(address.split('"')[0]) & set("<> ?#")


def refused():
    class Source:
        points = 20

    return without_checks(Source, "refused", "It is empty.")
