"""Gunther's Universal Scalability Law, X(N) = lambda N / (1 + sigma (N - 1) + kappa N (N - 1)):
sigma is the share of the work that only one can do at a time (contention), kappa what each pair of
workers costs the others (coherency). Fitted by least squares, its confidence by resampling rounds."""

import itertools
import random

RESAMPLES = 1000
CONFIDENCE = 0.95


def solve(matrix, vector):
    """Gauss elimination; None where the matrix is singular."""
    size = len(vector)
    rows = [list(row) + [value] for row, value in zip(matrix, vector)]
    for at in range(size):
        pivot = max(range(at, size), key=lambda row: abs(rows[row][at]))
        if abs(rows[pivot][at]) < 1e-12:
            return None
        rows[at], rows[pivot] = rows[pivot], rows[at]
        for row in range(size):
            if row != at:
                factor = rows[row][at] / rows[at][at]
                rows[row] = [a - factor * b for a, b in zip(rows[row], rows[at])]
    return [rows[at][size] / rows[at][at] for at in range(size)]


def non_negative_least_squares(columns, values):
    """The best coefficients that are not negative: of every subset of three columns at most."""
    best = None
    for count in range(1, len(columns) + 1):
        for chosen in itertools.combinations(range(len(columns)), count):
            picked = [columns[index] for index in chosen]
            found = solve([[sum(a * b for a, b in zip(one, other)) for other in picked]
                           for one in picked],
                          [sum(a * b for a, b in zip(one, values)) for one in picked])
            if found is None or min(found) < 0:
                continue
            error = sum((sum(c * column[i] for c, column in zip(found, picked)) - value) ** 2
                        for i, value in enumerate(values))
            if best is None or error < best[0] - 1e-15:
                full = [0.0] * len(columns)
                for index, coefficient in zip(chosen, found):
                    full[index] = coefficient
                best = (error, full)
    return best[1] if best else None


def fit_once(points):
    """Of (N, X) pairs. Linear in 1/lambda, sigma/lambda and kappa/lambda:
    N/X = 1/lambda + sigma/lambda (N - 1) + kappa/lambda N (N - 1). Each residual is weighted by
    X/N, so that a relative error counts alike at every N."""
    weights = [x / n for n, x in points]
    columns = [[w * f for w, f in zip(weights, values)] for values in (
        [1.0] * len(points), [n - 1.0 for n, _ in points], [n * (n - 1.0) for n, _ in points])]
    distinct = len({n for n, _ in points})
    found = non_negative_least_squares(columns[:max(1, distinct)], [1.0] * len(points))
    if not found or found[0] <= 0:
        return None
    found += [0.0] * (3 - len(found))
    return {"lambda": 1 / found[0], "sigma": found[1] / found[0], "kappa": found[2] / found[0]}


def interval(values):
    ordered = sorted(values)
    cut = (1 - CONFIDENCE) / 2
    return [ordered[int(cut * (len(ordered) - 1))], ordered[int((1 - cut) * (len(ordered) - 1))]]


def fit(rounds_of, seed=1):
    """`rounds_of`: N -> the throughputs that were measured. With fewer than three different N
    kappa cannot be told from sigma and is taken as 0. None where nothing can be fitted."""
    points = [(n, x) for n, values in rounds_of.items() for x in values]
    best = fit_once(points)
    if best is None:
        return None
    chance = random.Random(seed)
    samples = []
    for _ in range(RESAMPLES):
        drawn = [(n, chance.choice(values)) for n, values in rounds_of.items() for _ in values]
        again = fit_once(drawn)
        if again:
            samples.append(again)
    confidence = {name: interval([s[name] for s in samples]) for name in best}
    return {**best, "confidence": confidence, "level": CONFIDENCE,
            "kappa_known": len(rounds_of) >= 3}


def predicted(found, n):
    return found["lambda"] * n / (1 + found["sigma"] * (n - 1) + found["kappa"] * n * (n - 1))


def peak(found):
    """The N beyond which more make it slower; None: never."""
    if found["kappa"] <= 0 or found["sigma"] >= 1:
        return None
    return ((1 - found["sigma"]) / found["kappa"]) ** 0.5
