"""What every test shares: the profiles of Hypothesis, and a garbage collector with little to do.

`ci` is the default and tries the same examples each time, so a red run is about the change;
`brief` tries fewer, where the same tests run once more on other versions; `nightly` tries new ones
and many more. `HYPOTHESIS_PROFILE` selects.
"""

import gc
import os

from hypothesis import HealthCheck, settings

for name, max_examples, derandomize in (
    ("ci", 100, True),
    ("brief", 20, True),
    ("nightly", 1_000, False),
):
    settings.register_profile(
        name,
        deadline=None,
        derandomize=derandomize,
        max_examples=max_examples,
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow],
    )
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def pytest_collection_finish() -> None:
    """Let no later collection go through the thousands of tests and modules: those stay."""
    gc.collect()
    gc.freeze()
