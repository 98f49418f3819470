"""What every test shares: the profiles of Hypothesis, and a garbage collector with little to do.

`ci` is the default and tries the same examples each time, so a red run is about the change.
`nightly` tries new ones and many more. `HYPOTHESIS_PROFILE` selects.
"""

import gc
import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "ci",
    deadline=None,
    derandomize=True,
    max_examples=100,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "nightly",
    deadline=None,
    max_examples=5_000,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def pytest_collection_finish() -> None:
    """Let no later collection go through the thousands of tests and modules: those stay."""
    gc.collect()
    gc.freeze()
