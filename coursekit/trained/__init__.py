"""Small networks that are trained already: their weights come with the course.

    from coursekit import trained
    network = trained.load("simpleconvnet")     # NumPy alone
    trained.card("simpleconvnet").test_accuracy

`python benchmarks/ship_weights.py` makes the files anew, by the recipes of `coursekit.train`.
"""

from coursekit._lazy import lazy

__getattr__, __dir__, __all__ = lazy(
    __name__,
    {
        "files": ("Card", "DamagedWeightsError", "card", "names", "weights"),
        "networks": ("load",),
    },
)
