"""The ImageNet challenge from 2010 to 2015: who won, with what, and how often it was wrong."""

from dataclasses import dataclass

from coursekit.models.render import Form, render

__all__ = ["ChallengeHistory", "Entry", "history"]


@dataclass(frozen=True)
class Entry:
    """One entry to the classification task of the ImageNet Large Scale Visual Recognition Challenge (ILSVRC)."""

    year: int
    team: str
    network: str
    depth: int | None  # layers with weights; None for hand-made features
    top5: float  # per cent of test pictures whose class is not among the five guesses
    place: int  # in classification
    conditions: str
    source: str


@dataclass(frozen=True)
class ChallengeHistory:
    """The winners, two runners-up, and a person; shows itself in a notebook, a terminal and Markdown."""

    entries: tuple[Entry, ...]
    without_outside_data: float  # the winners of 2012, trained on the challenge's own pictures alone: per cent
    human: float  # per cent
    human_source: str

    @property
    def winners(self) -> tuple[Entry, ...]:
        """The first places, in order of years."""
        return tuple(entry for entry in self.entries if entry.place == 1)

    def to_text(self) -> str:
        """Write the table for a terminal."""
        return self._render("text")

    def to_markdown(self) -> str:
        """Write the table as Markdown."""
        return self._render("markdown")

    def _repr_html_(self) -> str:
        return self._render("html")

    def __str__(self) -> str:
        return self.to_text()

    def _render(self, form: Form) -> str:
        rows = [
            [str(e.year), e.team, e.network, e.depth, f"{e.top5:.2f}", e.place, e.conditions, e.source]
            for e in self.entries
        ]
        headers = ["year", "team", "network", "depth", "top-5 error %", "place", "conditions", "source"]
        foot = [["", "a trained person", "", None, f"{self.human:.2f}", None, "1,500 test pictures", self.human_source]]
        caption = "ILSVRC, classification of 1,000 classes: error on the test set"
        return render(headers, rows, align="lllrrrll", caption=caption, foot=foot, form=form)


def history() -> ChallengeHistory:
    """ILSVRC's classification winners from 2010 to 2015, and second places of 2012 and 2014, each with its source.

    >>> [round(entry.top5, 1) for entry in history().winners]
    [28.2, 25.8, 15.3, 11.7, 6.7, 3.6]
    """
    return ChallengeHistory(
        entries=_ENTRIES,
        without_outside_data=16.42,
        human=5.1,
        human_source="Russakovsky et al. 2015, section 6.4",
    )


_ENTRIES = (
    Entry(
        2010, "NEC-UIUC", "hand-made features, linear SVM", None, 28.19, 1,
        "SIFT and LBP descriptors, coded and pooled",
        "Russakovsky et al. 2015, section 5; image-net.org/challenges/LSVRC/2010",
    ),
    Entry(
        2011, "XRCE", "hand-made features, linear SVM", None, 25.77, 1,
        "Fisher vectors, compressed",
        "Russakovsky et al. 2015, section 5; image-net.org/challenges/LSVRC/2011",
    ),
    Entry(
        2012, "ISI", "hand-made features, linear classifiers", None, 26.17, 2,
        "Fisher vectors, several kinds of features",
        "Krizhevsky et al. 2012, abstract; image-net.org/challenges/LSVRC/2012",
    ),
    Entry(
        2012, "SuperVision", "AlexNet", 8, 15.32, 1,
        "seven networks, two of them trained before on all of ImageNet; 16.42 with five and without that",
        "Krizhevsky et al. 2012, section 6; image-net.org/challenges/LSVRC/2012",
    ),
    Entry(
        2013, "Clarifai", "a successor of ZFNet", 8, 11.74, 1,
        "several networks; 11.20 with outside data. ZFNet's own team, ZF, had 13.51",
        "image-net.org/challenges/LSVRC/2013",
    ),
    Entry(
        2014, "VGG", "VGG", 19, 7.32, 2,
        "seven networks; first in localisation",
        "Simonyan & Zisserman 2015, Table 7; image-net.org/challenges/LSVRC/2014",
    ),
    Entry(
        2014, "GoogLeNet", "GoogLeNet", 22, 6.66, 1,
        "seven networks, 144 crops",
        "Szegedy et al. 2015, section 7; image-net.org/challenges/LSVRC/2014",
    ),
    Entry(
        2015, "MSRA", "ResNet", 152, 3.57, 1,
        "six networks of different depths, several scales",
        "He et al. 2016, Table 5; image-net.org/challenges/LSVRC/2015",
    ),
)  # fmt: skip
