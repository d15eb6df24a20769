"""Sizes, receptive fields and costs of layers: plain integers, no arrays.

This is the one place that knows these formulas; layers, tables and pictures ask it.
"""

from coursekit.shapes.counts import (
    activation_bytes,
    binary_size,
    conv_macs,
    conv_parameters,
    fc_macs,
    fc_parameters,
    im2col_shape,
    pool_operations,
    transposed_macs,
    unshared_parameters,
)
from coursekit.shapes.field import Field, Window, receptive_field
from coursekit.shapes.sizes import Mode, output_size, same_padding, same_padding_sides, transposed_size, window_counts

__all__ = [
    "Field",
    "Mode",
    "Window",
    "activation_bytes",
    "binary_size",
    "conv_macs",
    "conv_parameters",
    "fc_macs",
    "fc_parameters",
    "im2col_shape",
    "output_size",
    "pool_operations",
    "receptive_field",
    "same_padding",
    "same_padding_sides",
    "transposed_macs",
    "transposed_size",
    "unshared_parameters",
    "window_counts",
]
