"""The runs of this floor."""

from operations import night  # noqa: F401
