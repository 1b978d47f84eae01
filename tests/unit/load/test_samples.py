"""k6's samples: what is read from a line, what failed, percentiles, windows."""

from __future__ import annotations

import math

import pytest

from lab.load import samples
from lab.load.samples import Sample

LINES = [
    "metric_name,timestamp,metric_value,extra_tags,metadata",
    "whole,1795540182629,118.5,status=200&proto=HTTP/2.0&method=GET&kind=h2-kept,",
    "whole,1795540183000,15000,status=0&proto=&method=POST&kind=h1-fresh&wrong=error+1050,",
    "whole,1795540183001,3,status=502&proto=HTTP/1.1&method=POST&kind=h1-kept&wrong=status%20502,",
    "http_reqs,1795540182512,1.000000,,",
    "dropped_iterations,1795540182512,3.000000,,",
    "whole,17955401",
]


def sample(began: float, ms: float, wrong: str | None = None) -> Sample:
    return Sample(began, ms, "h2-kept", "GET", "HTTP/2.0", wrong)


def test_a_sample_begins_as_long_before_its_line_as_it_took() -> None:
    first = samples.requests(samples.rows(LINES, "whole"))[0]
    assert first.began == pytest.approx(1795540182.629 - 0.1185)
    assert first.ended == pytest.approx(1795540182.629)
    assert (first.kind, first.method, first.proto, first.wrong) == ("h2-kept", "GET", "HTTP/2.0", None)


def test_every_failure_is_counted_with_its_reason() -> None:
    found = samples.failures(samples.requests(samples.rows(LINES, "whole")))
    assert found == {"h1-fresh POST: error 1050": 1, "h1-kept POST: status 502": 1}


def test_a_line_that_is_cut_off_is_no_sample() -> None:
    assert len(samples.rows(LINES, "whole")) == 3


def test_requests_that_were_not_sent_are_counted() -> None:
    assert samples.unsent(samples.rows(LINES, "whole", "dropped_iterations")) == 3


@pytest.mark.parametrize(
    ("percent", "expected"), [(50, 50.0), (99, 99.0), (100, 100.0), (0, 1.0), (99.5, 100.0)]
)
def test_percentiles_are_by_nearest_rank(percent: float, expected: float) -> None:
    assert samples.percentile([float(value) for value in range(100, 0, -1)], percent) == expected


def test_no_values_have_no_percentile() -> None:
    assert math.isnan(samples.percentile([], 99))


def test_a_request_counts_in_a_window_that_it_touches() -> None:
    before, across, inside, astride, after = (
        sample(8, 500),
        sample(9.5, 1000),
        sample(11, 10),
        sample(9, 9000),
        sample(15.1, 10),
    )
    found = samples.within([before, across, inside, astride, after], [(10, 12), (14, 15)])
    assert found == [across, inside, astride]
