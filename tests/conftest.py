"""What tests of several folders ask for."""

import jaxtyping
import pytest


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Annotations are not checked, as where users run it: for what a function refuses itself."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
