"""Agreement of outputs, by arithmetic on the page."""

from __future__ import annotations

import numpy as np
import pytest

from exporters.agreement import agreement, best
from foundation.artifact import Agreement


def test_a_tenth_of_error_is_twenty_decibel() -> None:
    reference = np.array([[10.0, 0.0], [0.0, 10.0]], np.float32)
    found = agreement(reference, reference * np.float32(0.9))
    assert found.sqnr_db == pytest.approx(20.0, abs=1e-4)
    assert (found.top1, found.pictures) == (1.0, 2)


def test_equal_outputs_have_no_sqnr() -> None:
    assert agreement(np.ones((3, 4), np.float32), np.ones((3, 4), np.float32)).sqnr_db is None


def test_top1_is_the_share_of_pictures_with_the_same_first_class() -> None:
    reference = np.array([[3, 1, 0], [0, 2, 1], [1, 0, 4], [5, 0, 0]], np.float32)
    outputs = np.array([[3, 1, 0], [0, 1, 2], [1, 0, 4], [5, 0, 0]], np.float32)
    assert agreement(reference, outputs).top1 == 0.75


def test_an_output_that_is_not_a_number_is_no_agreement() -> None:
    with pytest.raises(ValueError, match="not finite"):
        agreement(np.ones((1, 2), np.float32), np.array([[1.0, np.nan]], np.float32))


def test_the_best_calibration_is_not_chosen_by_two_lucky_pictures() -> None:
    """40 of 40 at 17 dB loses to 38 of 40 at 20 dB, and wins over 37 of 40 at any."""
    lucky, clean, worse = (
        Agreement(pictures=40, sqnr_db=db, top1=n / 40) for n, db in ((40, 17.0), (38, 20.0), (37, 25.0))
    )
    assert best([lucky, clean, worse]) == 1
    assert best([lucky, worse]) == 0


def test_equal_outputs_are_the_best_of_all() -> None:
    equal, near = (Agreement(pictures=40, sqnr_db=db, top1=1.0) for db in (None, 80.0))
    assert best([near, equal]) == 1
