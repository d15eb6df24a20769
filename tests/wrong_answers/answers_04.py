"""Answers to the questions of assignment 4: plausible wrong ones, and right ones that look different."""

import numpy as np

from coursekit.misconceptions import questions_04 as wrong
from coursekit.misconceptions import questions_04_norm as norms
from coursekit.misconceptions import questions_04_script as scripts
from coursekit.misconceptions import questions_04_training as slips

# ------------------------------------------------------------------ question 2


def spread_of_glorot(shape, relu, rng):
    n = np.prod(shape[1:]) if len(shape) == 4 else shape[0]
    m = shape[0] * np.prod(shape[2:]) if len(shape) == 4 else shape[1]
    return rng.normal(scale=np.sqrt((4 if relu else 2) / (n + m)), size=shape)


def spread_around_one(shape, relu, rng):
    return 1 + wrong._weights(shape, relu, rng, wrong._terms(shape))


def weights_all_equal(shape, relu, rng):
    return np.full(shape, np.sqrt((2 if relu else 1) / wrong._terms(shape)))


def weights_of_standard_normals(shape, relu, rng):
    n = shape[0] if len(shape) == 2 else shape[1] * shape[2] * shape[3]
    return (rng.standard_normal(shape) * (1.0 if not relu else 2**0.5) / n**0.5).astype(np.float32)


def weights_one_by_one(shape, relu, rng):
    n = int(np.prod(shape)) // (shape[0] if len(shape) == 4 else shape[1])
    flat = [rng.normal(0, ((1 + int(relu)) / n) ** 0.5) for _ in range(int(np.prod(shape)))]
    return np.reshape(flat, shape)


# ------------------------------------------------------------------ question 3


def momentum_uphill(w, gradients, rate, mu):
    return 2 * w - momentum_by_powers(w, gradients, rate, mu)


def momentum_in_place(w, gradients, rate, mu):
    v, path = np.zeros_like(w), []
    for g in gradients:
        v = mu * v + g
        w -= rate * v
        path.append(w.copy())
    return np.array(path)


def momentum_one_array_for_all(w, gradients, rate, mu):
    return np.repeat(momentum_by_powers(w, gradients, rate, mu)[-1:], len(gradients), axis=0)


def momentum_by_powers(w, gradients, rate, mu):
    """Each velocity written out as a sum."""
    steps = np.arange(len(gradients))
    decay = np.tril(np.power(mu, np.maximum(steps[:, None] - steps, 0)))
    return w - rate * np.cumsum(decay @ gradients, axis=0)


def momentum_rate_inside(w, gradients, rate, mu):
    w, v, path = w.astype(np.float32), np.zeros(len(w), np.float32), []
    for g in gradients:
        v = mu * v - rate * g
        w = w + v
        path.append(w.tolist())
    return path


def adam_a_step_ahead(w, gradients, rate, betas, eps):
    return wrong.adam(w, gradients, rate, betas, eps, power=lambda k: k + 1)


def adam_betas_swapped(w, gradients, rate, betas, eps):
    return wrong.adam(w, gradients, rate, betas[::-1], eps)


def adam_in_place(w, gradients, rate, betas, eps):
    path = wrong.adam(w, gradients, rate, betas, eps)
    w[:] = path[-1]
    return path


def adam_by_loops(w, gradients, rate, betas, eps):
    path = np.zeros(gradients.shape)
    for i, start in enumerate(w.tolist()):
        m = s = 0.0
        here = start
        for k in range(len(gradients)):
            g = float(gradients[k, i])
            m += (1 - betas[0]) * (g - m)
            s += (1 - betas[1]) * (g * g - s)
            step = (s / (1 - betas[1] ** (k + 1))) ** 0.5 + eps
            here -= rate * m / (1 - betas[0] ** (k + 1)) / step
            path[k, i] = here
    return path


def adam_in_float32(w, gradients, rate, betas, eps):
    return wrong.adam(w.astype(np.float32), gradients.astype(np.float32), rate, betas, eps)


# ------------------------------------------------------------------ questions 4 to 6


def lrn_without_power(x, n, k, alpha, beta):
    return norms.lrn(x, n, k, alpha, 1.0)


def lrn_without_squares(x, n, k, alpha, beta):
    return x / (x / norms.lrn(x, n, k, alpha, beta)).max(axis=1, keepdims=True)


def lrn_negative_places(x, n, k, alpha, beta):
    around = [(x[:, i - n // 2 : i + n // 2 + 1] ** 2).sum(axis=1) for i in range(x.shape[1])]
    return x / (k + alpha * np.stack(around, axis=1)) ** beta


def lrn_by_matrix(x, n, k, alpha, beta):
    depth = np.arange(x.shape[1])
    near = (np.abs(depth[:, None] - depth) <= n // 2).astype(float)
    return x * (k + alpha * np.einsum("ij,njhw->nihw", near, x * x)) ** -beta


def lrn_pixel_by_pixel(x, n, k, alpha, beta):
    y = np.zeros(x.shape, np.float32)
    for b, c, i, j in np.ndindex(x.shape):
        squares = [x[b, d, i, j] ** 2 for d in range(x.shape[1]) if abs(d - c) <= n // 2]
        y[b, c, i, j] = x[b, c, i, j] / (k + alpha * sum(squares)) ** beta
    return y


def norm_over_all_maps(x, gamma, beta, running, momentum, training, eps):
    y, *stored = norms.norm(x, gamma, beta, running, momentum, training, eps)
    if training:
        y = gamma[:, None, None] * (x - x.mean()) / np.sqrt(x.var() + eps) + beta[:, None, None]
    return y, *stored


def norm_eps_outside(x, gamma, beta, running, momentum, training, eps):
    return norms.norm(x, gamma, beta, running, momentum, training, eps, root=lambda v: np.sqrt(v - eps) + eps)


def norm_by_running_in_training(x, gamma, beta, running, momentum, training, eps):
    y = norms.norm(x, gamma, beta, running, momentum, False, eps)[0]
    return y, *norms.norm(x, gamma, beta, running, momentum, training, eps)[1:]


def norm_stores_in_place(x, gamma, beta, running, momentum, training, eps):
    found = norms.norm(x, gamma, beta, running, momentum, training, eps)
    running[0][:], running[1][:] = found[1:]
    return found


def norm_map_by_map(x, gamma, beta, running, momentum, training, eps):
    y, stored = np.zeros(x.shape), [np.array(each) for each in running]
    for c in range(x.shape[1]):
        values = x[:, c]
        m, mean, variance = values.size, values.mean(), values.var()
        if training:
            stored[0][c] += momentum * (mean - stored[0][c])
            stored[1][c] += momentum * (variance * m / (m - 1) - stored[1][c])
        else:
            mean, variance = running[0][c], running[1][c]
        y[:, c] = gamma[c] * (values - mean) / (variance + eps) ** 0.5 + beta[c]
    return [y, *stored]


def norm_in_rows(x, gamma, beta, running, momentum, training, eps):
    flat = np.moveaxis(x, 1, -1).reshape(-1, x.shape[1]).astype(np.float32)
    mean, variance = running
    if training:
        mean, variance = flat.mean(axis=0), flat.var(axis=0)
        running = [
            momentum * new + (1 - momentum) * old
            for new, old in zip((mean, flat.var(axis=0, ddof=1)), running, strict=True)
        ]
    rows = gamma * (flat - mean) / np.sqrt(variance + eps) + beta
    n, c, h, w = x.shape
    return rows.reshape(n, h, w, c).transpose(0, 3, 1, 2), *running


def back_eps_forgotten(dy, x, gamma, eps):
    return norms.norm_back(dy, x, gamma, 1e-5)


def back_of_means(dy, x, gamma, eps):
    dx, dgamma, dbeta = norms.norm_back(dy, x, gamma, eps)
    return dx, dgamma / x[:, 0].size, dbeta / x[:, 0].size


def back_of_each_pixel(dy, x, gamma, eps):
    normed = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps)
    dx = dy - dy.mean(axis=0) - normed * (dy * normed).mean(axis=0)
    return gamma[:, None, None] * dx / np.sqrt(x.var(axis=0) + eps), *norms.norm_back(dy, x, gamma, eps)[1:]


def back_mean_constant(dy, x, gamma, eps):
    return norms.norm_back(dy, x, gamma, eps, shares=(0, 1))


def back_by_steps(dy, x, gamma, eps):
    """The table of section 6.7, from bottom to top, for each map."""
    dx, dgamma, dbeta = np.zeros(x.shape), np.zeros(len(gamma)), np.zeros(len(gamma))
    for k in range(len(gamma)):
        c, d = x[:, k] - x[:, k].mean(), dy[:, k]
        sigma = np.sqrt((c**2).mean() + eps)
        dgamma[k], dbeta[k] = (d * c / sigma).sum(), d.sum()
        dxhat = gamma[k] * d
        dv = -(dxhat * c).sum() / sigma**2 / (2 * sigma)
        dc = dxhat / sigma + 2 * c * dv / c.size
        dx[:, k] = dc - dc.mean()
    return dx, dgamma, dbeta


def back_by_einsum(dy, x, gamma, eps):
    dy, x, gamma = (each.astype(np.float32) for each in (dy, x, gamma))
    m = x[:, 0].size
    sigma = np.sqrt(x.var(axis=(0, 2, 3)) + eps)
    xhat = (x - x.mean(axis=(0, 2, 3))[:, None, None]) / sigma[:, None, None]
    dgamma, dbeta = np.einsum("nchw,nchw->c", dy, xhat), np.einsum("nchw->c", dy)
    dx = m * dy - dbeta[:, None, None] - xhat * dgamma[:, None, None]
    return [(gamma / sigma / m)[:, None, None] * dx, dgamma, dbeta]


# ------------------------------------------------------------------ questions 7 and 8


def dropout_of_two_draws(x, dy, rate, training, rng):
    y = slips._dropout(x, dy, rate, training, rng)[0]
    return y, slips._dropout(x, dy, rate, training, rng)[1]


def dropout_by_columns(x, dy, rate, training, rng):
    if not training:
        return x, dy
    factor = (rng.random(x.shape[-1]) >= rate) / (1 - rate)
    return x * factor, dy * factor


def dropout_element_by_element(x, dy, rate, training, rng):
    luck = rng.random(x.shape) if training else np.ones(x.shape)
    y, dx = np.zeros(x.shape), np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        if luck[place] >= rate:
            share = 1 - rate if training else 1
            y[place], dx[place] = x[place] / share, dy[place] / share
    return [y, dx]


def dropout_by_where(x, dy, rate, training, rng):
    if training:
        gone = rng.random(x.shape) < rate
        return tuple(np.where(gone, 0, each / (1 - rate)).astype(np.float32) for each in (x, dy))
    return x.copy(), dy.copy()


def augment_swaps_axes(images, labels, most, mirror, rng):
    return slips.augmented(
        images, labels, most, mirror, rng, move=lambda image, down, right: slips.shifted_by(image, right, down)
    )


def augment_up_for_down(images, labels, most, mirror, rng):
    return slips.augmented(
        images, labels, most, mirror, rng, move=lambda image, down, right: slips.shifted_by(image, -down, -right)
    )


def augment_in_place(images, labels, most, mirror, rng):
    images[:], labels[:] = slips.augmented(images, labels, most, mirror, rng)
    return images, labels


def augment_draws_for_some(images, labels, most, mirror, rng):
    pictures, names = images.copy(), labels.copy()
    for i, label in enumerate(labels.tolist()):
        pictures[i] = slips.shifted_by(images[i], *rng.integers(-most, most + 1, size=2))
        if label in mirror and rng.random() < 0.5:
            pictures[i], names[i] = pictures[i, :, ::-1].copy(), mirror[label]
    return pictures, names


def augment_pixel_by_pixel(images, labels, most, mirror, rng):
    n, height, width = images.shape
    pictures, names = np.zeros(images.shape, np.float32), []
    for i in range(n):
        down, right = rng.integers(-most, most + 1, size=2)
        turn = rng.random() < 0.5 and int(labels[i]) in mirror
        for r, c in np.ndindex(height, width):
            row, column = r - down, (width - 1 - c if turn else c) - right
            if 0 <= row < height and 0 <= column < width:
                pictures[i, r, c] = images[i, row, column]
        names.append(mirror[int(labels[i])] if turn else labels[i])
    return pictures, names


def augment_by_rolling(images, labels, most, mirror, rng):
    """Rolled inside a rim of zeros, which is cut off again."""
    found = [(*rng.integers(-most, most + 1, size=2), rng.random() < 0.5) for _ in images]
    around = np.pad(images, [(0, 0), (most, most), (most, most)])
    pictures, names = [], []
    for image, label, (down, right, turn) in zip(around, labels.tolist(), found, strict=True):
        moved = np.roll(image, (down, right), axis=(0, 1))
        moved = moved[most : moved.shape[0] - most, most : moved.shape[1] - most]
        keeps = turn and label in mirror
        pictures.append(np.fliplr(moved) if keeps else moved)
        names.append(mirror[label] if keeps else label)
    return np.array(pictures), np.array(names)


# ------------------------------------------------------------------ question 9


def report_by_errors(scores, labels):
    """Counts what is wrong and takes it off."""
    guesses, classes = np.argmax(scores, axis=1), scores.shape[1]
    table = np.zeros((classes, classes), int)
    np.add.at(table, (labels, guesses), 1)
    with np.errstate(invalid="ignore"):
        shares = [1 - (table.sum(axis=k) - np.diag(table)) / table.sum(axis=k) for k in (1, 0)]
    return {
        "claimed": shares[1],
        "read": shares[0],
        "accuracy": 1 - np.count_nonzero(guesses != labels) / len(labels),
        "counts": table,
    }


def report_by_masks(scores, labels):
    guesses, classes = scores.argmax(axis=1), range(scores.shape[1])
    share = lambda hits: float(np.mean(hits)) if len(hits) else float("nan")  # noqa: E731
    return {
        "counts": [[int(np.sum((labels == a) & (guesses == b))) for b in classes] for a in classes],
        "accuracy": np.float32(share(guesses == labels)),
        "read": [share(guesses[labels == k] == k) for k in classes],
        "claimed": [share(labels[guesses == k] == k) for k in classes],
    }


def report_of_lowest(scores, labels):
    return slips._report(scores.argmin(axis=1), labels, scores.shape[1])


def gallery_of_one_too_few(scores, labels, most):
    return slips.gallery(scores, labels, most)[:-1]


def gallery_columns_exchanged(scores, labels, most):
    return slips.gallery(scores, labels, most)[:, [0, 2, 1]]


def gallery_later_of_two(scores, labels, most):
    predictions, sureness = scores.argmax(axis=1), slips.chances(scores).max(axis=1)
    missed = np.flatnonzero(predictions != labels)
    chosen = missed[np.argsort(sureness[missed], kind="stable")[::-1]][:most]
    return np.column_stack([chosen, labels[chosen], predictions[chosen]])


def gallery_by_sorting_tuples(scores, labels, most):
    found = []
    for i, (row, label) in enumerate(zip(scores.tolist(), labels.tolist(), strict=True)):
        read = row.index(max(row))
        if read != label:
            found.append((sum(np.exp(np.array(row) - max(row))), i, label, read))
    return [entry[1:] for entry in sorted(found)[:most]]


def gallery_by_lexsort(scores, labels, most):
    reading, place = scores.argmax(1), np.arange(len(labels))
    sure = np.exp(scores.max(1) - np.log(np.exp(scores).sum(1)))
    sure = np.round(sure, 12)
    order = np.lexsort((place, -sure))
    order = order[(reading != labels)[order]][:most]
    return np.array([order, labels[order], reading[order]]).T


# ------------------------------------------------------------------ question 11


def script_with_turned_mask(w1, w2, seen, right):
    loss, _, dw2 = scripts.script_gradients(w1, w2, seen, right)
    h = seen @ w1
    p = slips.chances(np.maximum(h, 0) @ w2)
    p[np.arange(len(right)), right] -= 1
    return loss, seen.T @ (p @ w2.T * (h < 0)) / len(right), dw2


def script_labels_forgotten(w1, w2, seen, right):
    loss, *_ = scripts.script_gradients(w1, w2, seen, right)
    h = np.maximum(seen @ w1, 0)
    d = slips.chances(h @ w2) / len(right)
    return loss, seen.T @ (d @ w2.T * (h > 0)), h.T @ d


def script_in_bits(w1, w2, seen, right):
    loss, *both = scripts.script_gradients(w1, w2, seen, right)
    return loss / np.log(2), *both


def gradients_by_pictures(w1, w2, seen, right):
    """One picture after the other."""
    loss, dw1, dw2 = 0.0, np.zeros(w1.shape), np.zeros(w2.shape)
    for picture, label in zip(seen, right, strict=True):
        h = np.maximum(picture @ w1, 0)
        scores = h @ w2
        logs = scores - np.log(np.exp(scores).sum())
        loss -= logs[label] / len(right)
        d = (np.exp(logs) - (np.arange(len(logs)) == label)) / len(right)
        dw2 += np.outer(h, d)
        dw1 += np.outer(picture, np.where(h > 0, w2 @ d, 0))
    return loss, dw1, dw2


def gradients_in_float32(w1, w2, seen, right):
    return scripts.script_gradients(*(each.astype(np.float32) for each in (w1, w2, seen)), right)


def script_all_pictures(x, labels, new, hidden, classes, steps, rate, rng):
    return scripts.script(x, labels, new, hidden, classes, steps, rate / 2, rng)


def script_of_losses_after(x, labels, new, hidden, classes, steps, rate, rng):
    losses, scores = scripts.script(x, labels, new, hidden, classes, steps + 1, rate, rng)
    return losses[1:], scores


def script_without_255(x, labels, new, hidden, classes, steps, rate, rng):
    return scripts.script(255 * x, labels, 255 * new, hidden, classes, steps, rate, rng)


def training_in_place(x, labels, new, hidden, classes, steps, rate, rng):
    middle, losses = x.mean(0), np.zeros(steps)
    w1 = rng.normal(0, 0.1, (x.shape[1], hidden))
    w2 = rng.normal(0, 0.1, (hidden, classes))
    for k in range(steps):
        chosen = rng.permutation(len(x))[:20]
        losses[k], dw1, dw2 = gradients_by_pictures(w1, w2, (x[chosen] - middle) / 255.0, labels[chosen])
        w1 -= rate * dw1
        w2 -= rate * dw2
    return losses, np.maximum((new - middle) / 255.0 @ w1, 0) @ w2


def training_in_float32(x, labels, new, hidden, classes, steps, rate, rng):
    x, new = x.astype(np.float32) / 255, new.astype(np.float32) / 255
    x, new = x - x.mean(axis=0), new - x.mean(axis=0)
    w1 = np.float32(0.1) * rng.normal(size=(x.shape[1], hidden)).astype(np.float32)
    w2 = np.float32(0.1) * rng.normal(size=(hidden, classes)).astype(np.float32)
    losses = []
    for _ in range(steps):
        b = rng.permutation(len(x))[:20]
        loss, dw1, dw2 = scripts.script_gradients(w1, w2, x[b], labels[b])
        losses.append(float(loss))
        w1, w2 = w1 - np.float32(rate) * dw1, w2 - np.float32(rate) * dw2
    return losses, np.maximum(new @ w1, 0) @ w2
