"""Every mutant of every reference solution against the checks: python benchmarks/mutants.py [ASSIGNMENT ...]

Writes results/mutants.md, or the sections of those assignments in it. The tests run a sample of the same.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "wrong_answers"))

from bench import Bench  # noqa: E402
from mutation import Judge, share_killed, summary  # noqa: E402

RESULT = Path(__file__).parent / "results" / "mutants.md"


def table(name: str) -> list[str]:
    judge = Judge(Bench(name))
    verdicts = [judge.judge(mutant) for mutant in judge.all()]
    lines = [f"## {name}", "", "| answer | mutants | lose points | same as the solution | survive |", "| - " * 5 + "|"]
    for answer, count in [*summary(verdicts).items(), ("all", Counter(v.outcome for v in verdicts))]:
        lines.append(f"| {answer} | {count.total()} | {count['killed']} | {count['same']} | {count['survived']} |")
    lines += ["", f"Of those that change behaviour {share_killed(verdicts):.1%} lose points.", ""]
    for outcome, title in (("survived", "Survivors"), ("same", "The same as the solution, as far as 14 seeds show")):
        found = [f"- {v.mutant.grade_id}, {v.mutant.what}" for v in verdicts if v.outcome == outcome]
        lines += [f"{title}:", "", *found, ""] if found else []
    return lines


def main() -> None:
    names = sorted(path.stem for path in (ROOT / "solutions").glob("*.ipynb"))
    parser = argparse.ArgumentParser(description="Judge the mutants of assignments' solutions; without names, of all.")
    parser.add_argument("assignments", nargs="*", metavar="ASSIGNMENT", help=f"one of {', '.join(names)}")
    chosen = parser.parse_args().assignments
    if unknown := [name for name in chosen if name not in names]:
        parser.error(f"there is no assignment {unknown[0]!r}: choose from {', '.join(names)}")
    title, *sections = RESULT.read_text(encoding="utf-8").split("\n## ")
    kept = {section.partition("\n")[0]: f"## {section.rstrip()}" for section in sections}
    for name in chosen or names:
        kept[name] = "\n".join(table(name)).rstrip()
        print(kept[name], flush=True)
        RESULT.write_text("\n\n".join([title.rstrip(), *(kept[key] for key in sorted(kept))]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
