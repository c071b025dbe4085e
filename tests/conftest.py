"""What tests of several folders ask for."""

import jaxtyping
import pytest
from hypothesis import settings

settings.register_profile("untimed", deadline=None)  # no test times anything
settings.register_profile("fixed", settings.get_profile("untimed"), derandomize=True)
settings.load_profile("untimed")


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Annotations are not checked, as where users run it: for what a function refuses itself."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
