"""Of speed, checkpoints, shared work and votes: the right way to reckon, and wrong ways with their names."""

import numpy as np

# ------------------------------------------------ what a clock says that is read right behind a loop of GPU calls


def launched(hand_over: float, work: float, calls: int) -> float:
    """The loop only hands over the work. The GPU has hardly begun when the clock is read."""
    return calls * hand_over


def finished(hand_over: float, work: float, calls: int) -> float:
    """This is when the GPU is done. But nobody has waited for it."""
    return hand_over + calls * work


def one_after_another(hand_over: float, work: float, calls: int) -> float:
    """This lets Python wait for each call. It hands over the next one while the GPU still works."""
    return calls * (hand_over + work)


def one_call(hand_over: float, work: float, calls: int) -> float:
    """This is the work of a single call."""
    return work


# ------------------------------------------------ how much faster when one part of the time is gone


def speed_up(whole: float, part: float) -> float:
    """What is left takes 5 of the 6 seconds: 6 / 5."""
    return round(whole / (whole - part), 2)


def as_if_all(whole: float, part: float) -> float:
    """This is the whole against the part that is gone. The other five seconds stay."""
    return round(whole / part, 2)


def share_added(whole: float, part: float) -> float:
    """This adds the saved share to 1. Divide the old time by the new one: nearly the same for small shares only."""
    return round(1 + part / whole, 2)


def time_left(whole: float, part: float) -> float:
    """This is the new time over the old one, the wrong way up: below 1 would be slower."""
    return round((whole - part) / whole, 2)


# ------------------------------------------------ a step after a break; loss w*w/2, rate 1/2, half the velocity stays


def _steps(w: float, v: float, count: int) -> tuple[float, float]:
    for _ in range(count):
        v = 0.5 * v - 0.5 * w
        w = w + v
    return w, v


def gone_on(w: float, before: int) -> float:
    """Weight and velocity were both saved, so this step is the one that the unbroken run takes."""
    return _steps(*_steps(w, 0.0, before), 1)[0]


def velocity_lost(w: float, before: int) -> float:
    """This saves the weight alone: the velocity starts from 0 again, and the run takes another way."""
    return _steps(_steps(w, 0.0, before)[0], 0.0, 1)[0]


def begun_anew(w: float, before: int) -> float:
    """This takes the first step once more: nothing was saved."""
    return _steps(w, 0.0, 1)[0]


def undamped(w: float, before: int) -> float:
    """This keeps all of the velocity. Half of it is lost in each step."""
    w, v = _steps(w, 0.0, before)
    return w + v - 0.5 * w


# ------------------------------------------------ pictures (N, H, W), each moved by its own whole pixels


def shifted(images: np.ndarray, down: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Frame the pictures with zeros, and cut out of frame i the window down[i] rows up and right[i] columns left."""
    n, height, width = images.shape
    margin = max(np.abs(down).max(), np.abs(right).max())
    framed = np.pad(images, ((0, 0), (margin, margin), (margin, margin)))
    rows = margin - down[:, None] + np.arange(height)  # (N, H)
    columns = margin - right[:, None] + np.arange(width)  # (N, W)
    return framed[np.arange(n)[:, None, None], rows[:, :, None], columns[:, None, :]]


def other_way(images: np.ndarray, down: np.ndarray, right: np.ndarray) -> np.ndarray:
    """This moves up and left. Row r of the result comes from row r - down of the picture."""
    return shifted(images, -down, -right)


def axes_swapped(images: np.ndarray, down: np.ndarray, right: np.ndarray) -> np.ndarray:
    """This moves right by what was meant for down. Rows are the first of the two axes."""
    return shifted(images, right, down)


def all_alike(images: np.ndarray, down: np.ndarray, right: np.ndarray) -> np.ndarray:
    """This moves all pictures as the first one. Each has a shift of its own."""
    return shifted(images, np.full_like(down, down[0]), np.full_like(right, right[0]))


def rolled(images: np.ndarray, down: np.ndarray, right: np.ndarray) -> np.ndarray:
    """This brings in at one side what went out at the other. Zeros should come in."""
    return np.stack([np.roll(x, (a, b), axis=(0, 1)) for x, a, b in zip(images, down, right, strict=True)])


# ------------------------------------------------ the gradient of a batch, from those of its parts


def whole_gradient(gradients: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Each part counts by its pictures: the sum of size times gradient, over all pictures."""
    return np.asarray(sizes) @ np.asarray(gradients) / np.sum(sizes)


def mean_of_means(gradients: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """This gives a part of two pictures as much weight as one of ten."""
    return np.mean(gradients, axis=0)


def summed(gradients: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """This adds up means. The step then grows with the number of processes."""
    return np.sum(gradients, axis=0)


def undivided(gradients: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """This is the sum over all pictures. Divide it by how many there are."""
    return np.asarray(sizes) @ np.asarray(gradients)


# ------------------------------------------------ the class that several networks (K, N, classes) choose together


def vote(probabilities: np.ndarray) -> np.ndarray:
    """The mean over the networks first, then the largest of each row."""
    return np.mean(probabilities, axis=0).argmax(axis=1)


def majority(probabilities: np.ndarray) -> np.ndarray:
    """This counts heads: a network that is nearly sure weighs no more than one that guesses."""
    votes = np.argmax(probabilities, axis=2)  # (K, N)
    return np.array([np.bincount(each, minlength=np.shape(probabilities)[2]).argmax() for each in votes.T])


def loudest(probabilities: np.ndarray) -> np.ndarray:
    """This follows the one network that is most sure, and does not hear the others."""
    return np.max(probabilities, axis=0).argmax(axis=1)


def first_alone(probabilities: np.ndarray) -> np.ndarray:
    """This asks the first network only."""
    return np.asarray(probabilities)[0].argmax(axis=1)


def multiplied(probabilities: np.ndarray) -> np.ndarray:
    """This multiplies. It is done, too, but one network that is sure of a no then overrules all others."""
    return np.prod(probabilities, axis=0).argmax(axis=1)
