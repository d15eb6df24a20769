"""What happened in training: numbers that both trainers write down, and files of them."""

import csv
import io
import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from coursekit._files import write_whole

__all__ = ["History"]

COLUMNS = (
    "step",
    "loss",
    "rate",
    "epoch",
    "training_accuracy",
    "validation_accuracy",
    "epoch_seconds",
    "seconds",
    "cpu_seconds",
    "interrupted",
)


@dataclass
class History:
    """What happened in training."""

    losses: list[float] = field(default_factory=list)  # one per step, of its batch before the step
    rates: list[float] = field(default_factory=list)  # learning rate of each step
    epoch_ends: list[int] = field(default_factory=list)  # steps taken when each epoch ended
    epoch_seconds: list[float] = field(default_factory=list)  # wall time when each epoch ended
    training_accuracy: list[float] = field(default_factory=list)  # one per epoch, on a fixed sample
    validation_accuracy: list[float] = field(default_factory=list)  # one per epoch, if there are validation data
    seconds: float = 0.0  # wall time, measuring accuracy included
    cpu_seconds: float = 0.0  # of all threads of this process
    interrupted: bool = False  # stopped from the keyboard

    def __repr__(self) -> str:
        parts = [f"{len(self.losses)} steps in {self.seconds:.1f} s"]
        if self.losses:
            parts.append(f"last loss {self.losses[-1]:.4f}")
        for name, values in (("training", self.training_accuracy), ("validation", self.validation_accuracy)):
            parts += [f"{name} accuracy {values[-1]:.4f}"] if values else []
        return f"History({', '.join(parts)}{', interrupted' if self.interrupted else ''})"

    def as_dict(self) -> dict[str, list[float] | list[int] | float | bool]:
        """All of it as plain data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: dict) -> "History":
        """Make a history of what `as_dict` returned.

        Raises
        ------
        ValueError
            If it holds other names.
        """
        unknown = plain.keys() - {entry.name for entry in fields(cls)}
        if unknown:
            raise ValueError(f"this is no history: it holds {', '.join(sorted(unknown))}.")
        return cls(**plain)

    def to_json(self, path: str | Path) -> None:
        """Write all of it to a file."""
        write_whole(Path(path), (json.dumps(self.as_dict()) + "\n").encode())

    @classmethod
    def from_json(cls, path: str | Path) -> "History":
        """Read what `to_json` wrote; ValueError if it is something else."""
        plain = json.loads(Path(path).read_text(encoding="utf-8"))
        if not isinstance(plain, dict):
            raise ValueError(f"{path} holds a {type(plain).__name__}, expected a history as to_json writes it.")
        return cls.from_dict(plain)

    def to_csv(self, path: str | Path) -> None:
        """Write a table with a row per step, for a spreadsheet.

        What belongs to an epoch stands in the row of its last step, what belongs to all of the run in the last row.
        """
        text = io.StringIO(newline="")
        table = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        table.writeheader()
        table.writerows(self._rows())
        write_whole(Path(path), text.getvalue().encode())

    @classmethod
    def from_csv(cls, path: str | Path) -> "History":
        """Read what `to_csv` wrote; ValueError if it is something else."""
        history = cls()
        with open(path, encoding="utf-8", newline="") as file:
            table = csv.DictReader(file)
            if tuple(table.fieldnames or ()) != COLUMNS:
                raise ValueError(f"{path} has the columns {table.fieldnames}, expected {', '.join(COLUMNS)}.")
            for row in table:
                history._add(row)
        return history

    def _rows(self):
        """Rows of the table; numbers as repr writes them, so that none changes on the way."""
        rows = [dict(step=k, loss=loss) for k, loss in enumerate(self.losses, 1)] or [{}]
        for row, rate in zip(rows, self.rates, strict=False):
            row["rate"] = rate
        for epoch, end in enumerate(self.epoch_ends, 1):
            row = rows[end - 1]
            row["epoch"] = epoch
            for name in ("training_accuracy", "validation_accuracy", "epoch_seconds"):
                row |= {name: getattr(self, name)[epoch - 1]} if getattr(self, name) else {}
        rows[-1] |= dict(seconds=self.seconds, cpu_seconds=self.cpu_seconds, interrupted=int(self.interrupted))
        return rows

    def _add(self, row):
        """Take up a row of the table."""
        lists = {"loss": self.losses, "rate": self.rates}
        lists |= {name: getattr(self, name) for name in ("training_accuracy", "validation_accuracy", "epoch_seconds")}
        for name, values in lists.items():
            values += [float(row[name])] if row[name] else []
        self.epoch_ends += [int(row["step"])] if row["epoch"] else []
        if row["seconds"]:
            self.seconds, self.cpu_seconds = float(row["seconds"]), float(row["cpu_seconds"])
            self.interrupted = bool(int(row["interrupted"]))
