"""Frequent slips of assignment 4, written as learners write them: each is to be named."""

import numpy as np


def weights_he_always(shape, relu, rng):
    n = shape[0] if len(shape) == 2 else np.prod(shape[1:])
    return rng.normal(size=shape) * (2 / n) ** 0.5


def momentum_appending_one_array(w, gradients, rate, mu):
    v, path = np.zeros_like(w), []
    for g in gradients:
        v = mu * v + g
        w -= rate * v
        path.append(w)
    return np.array(path)


def adam_enumerated_from_zero(w, gradients, rate, betas, eps):
    m = s = np.zeros_like(w)
    path = []
    for k, g in enumerate(gradients):
        m, s = betas[0] * m + (1 - betas[0]) * g, betas[1] * s + (1 - betas[1]) * g * g
        with np.errstate(all="ignore"):
            w = w - rate * (m / (1 - betas[0] ** k)) / (np.sqrt(s / (1 - betas[1] ** k)) + eps)
        path.append(w)
    return np.array(path)


def adam_overwriting_by_hats(w, gradients, rate, betas, eps):
    m = s = np.zeros_like(w)
    path = []
    for k, g in enumerate(gradients, 1):
        m, s = betas[0] * m + (1 - betas[0]) * g, betas[1] * s + (1 - betas[1]) * g * g
        m, s = m / (1 - betas[0] ** k), s / (1 - betas[1] ** k)
        w = w - rate * m / (np.sqrt(s) + eps)
        path.append(w)
    return np.array(path)


def adam_appending_one_array(w, gradients, rate, betas, eps):
    m = s = np.zeros_like(w)
    path = []
    for k, g in enumerate(gradients, 1):
        m, s = betas[0] * m + (1 - betas[0]) * g, betas[1] * s + (1 - betas[1]) * g * g
        w -= rate * (m / (1 - betas[0] ** k)) / (np.sqrt(s / (1 - betas[1] ** k)) + eps)
        path.append(w)
    return np.array(path)


def lrn_over_its_own_maps(x, n, k, alpha, beta):
    for i in range(x.shape[1]):
        around = x[:, max(0, i - n // 2) : i + n // 2 + 1]
        x[:, i] = x[:, i] / (k + alpha * np.square(around).sum(axis=1)) ** beta
    return x


def norm_with_eps_behind_the_root(x, gamma, beta, running, momentum, training, eps):
    mean, variance = running
    if training:
        mean, variance = x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3))
        unbiased = x.var(axis=(0, 2, 3), ddof=1)
        new = [momentum * mean + (1 - momentum) * running[0], momentum * unbiased + (1 - momentum) * running[1]]
    normed = (x - mean[:, None, None]) / (np.sqrt(variance) + eps)[:, None, None]
    return gamma[:, None, None] * normed + beta[:, None, None], *(new if training else running)


def norm_picture_by_picture(x, gamma, beta, running, momentum, training, eps):
    y, *stored = norm_well(x, gamma, beta, running, momentum, training, eps)
    if training:
        scale = gamma / np.sqrt(x.var(axis=(2, 3)) + eps)
        y = (x - x.mean(axis=(2, 3), keepdims=True)) * scale[:, :, None, None] + beta[:, None, None]
    return y, *stored


def norm_corrected_by_pictures(x, gamma, beta, running, momentum, training, eps):
    y, mean, variance = norm_well(x, gamma, beta, running, momentum, training, eps)
    n, m = len(x), x[:, 0].size
    if training and n > 1:
        share = momentum * x.var(axis=(0, 2, 3), ddof=1)
        variance = variance - share + share * (m - 1) / m * n / (n - 1)
    return y, mean, variance


def norm_well(x, gamma, beta, running, momentum, training, eps):
    mean, variance = running
    if training:
        mean, variance = x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3))
        unbiased = x.var(axis=(0, 2, 3), ddof=1)
        running = (running[0] + momentum * (mean - running[0]), running[1] + momentum * (unbiased - running[1]))
    scale = gamma / np.sqrt(variance + eps)
    return x * scale[:, None, None] + (beta - mean * scale)[:, None, None], *running


def back_with(dy, x, gamma, sigma):
    over = {"axis": (0, 2, 3), "keepdims": True}
    normed = (x - x.mean(**over)) / sigma
    dx = dy - dy.mean(**over) - normed * (dy * normed).mean(**over)
    return dx * gamma[:, None, None] / sigma, (dy * normed).sum(axis=(0, 2, 3)), dy.sum(axis=(0, 2, 3))


def back_with_eps_behind_the_root(dy, x, gamma, eps):
    return back_with(dy, x, gamma, x.std(axis=(0, 2, 3), keepdims=True) + eps)


def back_without_eps(dy, x, gamma, eps):
    return back_with(dy, x, gamma, x.std(axis=(0, 2, 3), keepdims=True))


def masked_by_sign_of_gradient(w1, w2, seen, right):
    h = np.maximum(seen @ w1, 0)
    p = np.exp(h @ w2)
    p /= p.sum(axis=1, keepdims=True)
    rows = np.arange(len(right))
    loss = -np.log(p[rows, right]).mean()
    p[rows, right] -= 1
    dh = p @ w2.T / len(right)
    dh[dh <= 0] = 0
    return loss, seen.T @ dh, h.T @ p / len(right)
