import random

import pytest

from apps.runs import histogram


def test_percentiles_are_within_the_promised_error() -> None:
    numbers = random.Random(7)
    values = sorted(numbers.lognormvariate(3, 1.2) for _ in range(20_000))
    buckets = histogram.of(values)

    for q in (0.5, 0.95, 0.99):
        exact = values[int(q * len(values)) - 1]
        assert histogram.percentile(buckets, q) == pytest.approx(exact, rel=0.035)


def test_merging_equals_counting_together() -> None:
    left, right = [0.4, 12.0, 90.0], [12.5, 4_000.0]

    assert histogram.merge([histogram.of(left), histogram.of(right)]) == histogram.of(left + right)


def test_every_latency_has_a_bucket_and_order_is_kept() -> None:
    values = [0, 0.0004, 0.016, 1, 250, 59_000, 4_294_967, 1e12]

    indexes = [histogram.bucket(value) for value in values]

    assert indexes == sorted(indexes)
    assert indexes[-1] == histogram.SIZE - 1


def test_nothing_has_no_percentile() -> None:
    assert histogram.percentile(histogram.empty(), 0.95) is None
