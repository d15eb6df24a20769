"""Drills of chapter 7: how far a unit sees, how many pictures fit, and FC as kernels."""

from coursekit.drills import Drill
from coursekit.misconceptions import designing as wrong


def _field_inputs(rng):
    """A kernel and a stride each, a strided layer in the middle, a dilated one behind it."""
    kernels = rng.choice([2, 3, 5], size=4)
    return (
        [(int(kernels[0]), 1, 1), (int(kernels[1]), 2, 1), (3, 1, int(rng.integers(2, 4))), (int(kernels[3]), 2, 1)],
    )


def _batch_inputs(rng):
    parameters = int(rng.integers(2_000_000, 6_000_000))
    return int(rng.integers(150_000, 400_000)), parameters, int(rng.integers(2, 5)), int(rng.integers(2, 5)) * 2**30


def _kernel_inputs(rng):
    shape = (3, 2, 4)
    return rng.normal(size=(24, 5)), shape


DRILLS = {
    "field": Drill(
        wrong.field,
        _field_inputs,
        wrong=(
            wrong.field_without_jump,
            wrong.field_with_own_stride,
            wrong.field_without_dilation,
            wrong.sum_of_kernels,
        ),
        cases=4,
        hints=(
            "Walk through the layers with two numbers, the field so far and the jump so far. Both begin at 1.",
            "A layer adds (kernel - 1) steps. Each of them is dilation * jump pixels long.",
            "size += (kernel - 1) * dilation * jump, and only then jump *= stride.",
        ),
        section="7.3 How far does it see?",
    ),
    "batch": Drill(
        wrong.largest_batch,
        _batch_inputs,
        wrong=(
            wrong.without_gradients,
            wrong.parameters_once,
            wrong.parameters_for_each_picture,
            wrong.numbers_as_bytes,
        ),
        cases=4,
        hints=(
            "Which part is needed once, and which part for every picture?",
            "The parameters take 4 * copies * parameters bytes, once. A picture takes 2 * 4 * activations bytes.",
            "(memory - 4 * copies * parameters) // (2 * 4 * activations).",
        ),
        section="7.8 How many pictures fit?",
    ),
    "kernels": Drill(
        wrong.to_kernels,
        _kernel_inputs,
        wrong=(wrong.folded_without_turning, wrong.folded_channels_last, wrong.folded_sideways),
        cases=3,
        hints=(
            "Which numbers of w belong to one output? They must end up in one kernel.",
            "A column of w belongs to one output, so turn w first: w.T has one row for each.",
            "w.T.reshape(-1, *shape): the row was flattened map after map, and so it folds.",
        ),
        section="7.10 A fully connected layer is a convolution",
    ),
}
