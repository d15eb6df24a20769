"""The report of the main job: one HTML file with its pictures inside."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from coursekit.grading.tryout import Tryout
    from coursekit.nn.networks import SimpleConvNet
    from coursekit.train.numpy_trainer import History


@dataclass(frozen=True)
class Checked:
    """The chapters, with the numbers of cells executed and of those that did not give the stored result."""

    chapters: list[str]
    ran: int
    failed: int


@dataclass(frozen=True)
class Trained:
    """A trained network, its first filters before training, and how it read the test digits."""

    network: "SimpleConvNet"
    history: "History"
    before: "np.ndarray"  # (F, KH, KW)
    digits: "np.ndarray"  # (n, H, W), uint8
    labels: "np.ndarray"  # (n,)
    readings: "np.ndarray"  # (n,)

    @property
    def accuracy(self) -> float:
        """Share of the test digits that were read rightly."""
        return float((self.labels == self.readings).mean())


def write_report(path: Path, checked: Checked, trained: Trained, graded: "Tryout") -> Path:
    """Write the report and give its path.

    Parameters
    ----------
    path : Path
        The HTML file; overwritten.
    checked : Checked
    trained : Trained
    graded : Tryout
    """
    from jinja2 import Environment, PackageLoader

    from coursekit import viz

    drawn = draw(trained) | draw_history() | draw_evidence()
    figures = {name: viz.img_tag(viz.data_uri(figure), alt, figure) for name, (figure, alt) in drawn.items()}
    template = Environment(loader=PackageLoader("coursekit", "templates"), autoescape=True).get_template(
        "report.html.j2"
    )
    path.write_text(template.render(checked=checked, trained=trained, graded=graded, figures=figures), encoding="utf-8")
    return path


def draw(trained: Trained) -> dict:
    """Draw what there is to see of the trained network; each picture comes with its alt text."""
    import numpy as np

    from coursekit import viz

    losses = np.asarray(trained.history.losses)
    window = min(25, len(losses))
    smooth = np.convolve(losses, np.full(window, 1 / window), mode="valid")
    steps = np.arange(window, len(losses) + 1)
    label = f"loss, mean of {window} steps"
    curve = viz.lines_figure(steps, {"loss": smooth}, xlabel="steps", ylabel=label, yscale="log")
    figures = {
        "curve": (curve, f"The loss falls from {smooth[0]:.2f} to {smooth[-1]:.2f} in {len(losses)} steps."),
        "before": (viz.tiles_figure(trained.before), "The filters before training: noise."),
        "after": (
            viz.tiles_figure(trained.network.params["W1"][:, 0]),
            "The same filters after training: edges and strokes.",
        ),
    }
    strip = viz.activation_strip_figure(trained.network, trained.digits[0] / np.float32(255))
    figures["strip"] = (strip, f"The digit {trained.labels[0]}, a column of maps for each layer, and five chances.")
    if trained.accuracy < 1:
        mistakes = viz.mistakes_figure(trained.digits / 255, trained.labels, trained.readings)
        figures["mistakes"] = (mistakes, "Digits that were read wrongly, with the right and the wrong reading.")
    return figures


def draw_history() -> dict:
    """Draw how the errors of the ImageNet challenge fell, with the alt text."""
    from coursekit import models, viz
    from coursekit.viz.bubbles import history_alt

    return {"history": (viz.history_figure(), history_alt(models.history()))}


def draw_evidence() -> dict:
    """Draw where a network trained on ImageNet sees what it names; nothing where PyTorch is not installed."""
    try:
        from coursekit import data, models, viz

        network = models.pretrained()
    except ImportError:
        return {}
    photo = data.photo("coffee")
    picture = network.preprocess(photo)
    ((name, chance),) = network.top(photo, 1)
    shown = viz.pictures_of(picture, viz.pixel_bounds(network))[0]
    maps = {f"Grad-CAM: {name}, {chance:.0%}": viz.grad_cam(network.model, picture)[0]}
    maps["saliency"] = viz.saliency(network.model, picture)[0]
    alt = f"A photograph, read as {name}, and over it the places that spoke for it, by Grad-CAM and by saliency."
    return {"evidence": (viz.heatmap_figure(shown, maps, side=2.3), alt)}
