"""The exact interval, against SciPy's."""

import pytest
from scipy.stats import beta

from apps.monitoring.intervals import exact_interval


@pytest.mark.parametrize(
    ("hits", "trials"),
    [(0, 30), (1, 30), (2, 60), (3, 720), (30, 30), (500, 1000), (10, 10_000), (0, 10**6), (2500, 10**6)],
)
def test_it_is_the_interval_of_clopper_and_pearson(hits, trials):
    low = 0.0 if hits == 0 else beta.ppf(0.025, hits, trials - hits + 1)
    high = 1.0 if hits == trials else beta.ppf(0.975, hits + 1, trials - hits)
    assert exact_interval(hits, trials) == pytest.approx((low, high), abs=1e-9)


def test_nothing_counted_says_nothing():
    assert exact_interval(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(("hits", "trials"), [(2, 1), (-1, 3)])
def test_nonsense_is_refused(hits, trials):
    with pytest.raises(ValueError, match="expected"):
        exact_interval(hits, trials)
