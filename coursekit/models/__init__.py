"""The networks of the course in PyTorch, the layer-pattern language, and the table that counts them.

torch is imported when a network is built; patterns and their tables need none.
"""

from coursekit._lazy import lazy

# No module here may bear the name of a public function: once imported, the module would stand in its place.
__getattr__, __dir__, __all__ = lazy(
    __name__,
    {
        "registry": ("names", "build", "card"),
        "cards": ("Card",),
        "accounting": ("table", "Table", "Row", "Totals"),
        "memory": ("Memory", "training_memory", "largest_batch"),
        "pattern": ("parse", "Pattern", "PatternError"),
        "pattern_torch": ("pattern_module",),
        "surgery": ("to_convolutional",),
        "dense": ("shift_and_stitch", "scores_of_crops", "total_stride"),
        "ready_made": ("pretrained", "Pretrained"),
        "comparison": ("compare", "Comparison"),
        "ilsvrc": ("history",),
    },
)
