"""No deadline for an example of Hypothesis: a machine that is busy with other steps is no error."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
