"""What a learner with a wrong answer is told: which misunderstanding gives the same values."""

from bench import Bench, misunderstandings

from coursekit.compare import compare, same


class Naming:
    """The values that each misunderstanding of an assignment leads to, for one seed.

    `given` names the numbers that an entered answer is made from, as for `misunderstandings`.
    """

    def __init__(self, bench: Bench, given: dict[str, tuple[str, ...]], seed: int = 1):
        self.bench, self.seed = bench, seed
        self.known: dict[str, list[tuple[str, list[dict]]]] = {}
        for cell, idea, answer in misunderstandings(bench, given):
            sent = bench.sent(seed, only=[check.id for check in cell.checks], **{idea.replace: answer})
            for id, cases in sent.items():
                self.known.setdefault(id, []).append((idea.by.partition(":")[2], cases))

    def of(self, ids: list[str], name: str, answer) -> dict[str, str]:
        """For each of these checks that the answer fails, the misunderstanding named there, or an empty text."""
        expected = self.bench.sent(self.seed, only=ids)
        got = self.bench.sent(self.seed, only=ids, **{name: answer})
        failed = [id for id in got if compare(expected[id], got[id], self.bench.how[id]).outcome == "wrong"]
        return {id: self._named(id, got[id]) for id in failed}

    def _named(self, id: str, got: list[dict]) -> str:
        """As in grading, the first one that gives the same in every case."""
        how = self.bench.how[id]
        alike = (by for by, cases in self.known.get(id, ()) if all(map(same, cases, got, [how] * len(got))))
        return next(alike, "")
