"""How far grading is, and how long it will take: a bar where somebody watches, else a line every now and then."""

import sys
import time
from typing import Self

from tqdm import tqdm

from coursekit.grading.submission import printable

EVERY = 30.0  # seconds between two lines


class Progress:
    """Counts submissions; on the standard error output, for the table goes to the other one."""

    def __init__(self, total: int) -> None:
        self.total, self.done = total, 0
        self.bar = tqdm(total=total, unit=" submissions", disable=None)  # None: where nobody watches, no bar
        self.start = self.said = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.close()

    def step(self, student: str) -> None:
        """One more is graded."""
        self.done += 1
        self.bar.set_postfix_str(printable(student, 20), refresh=False)
        self.bar.update()
        now = time.monotonic()
        if self.bar.disable and now - self.said >= EVERY and self.done < self.total:
            self.said = now
            left = (now - self.start) / self.done * (self.total - self.done)
            print(f"{self.done} of {self.total} graded, about {_duration(left)} to go", file=sys.stderr, flush=True)


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"
