"""Configuration and waiver files in, checked settings out. Knows the rules' names, nothing of findings."""

from kicklint.settings.load import CONFIGURATION, PYPROJECT, load_settings, load_waivers
from kicklint.settings.model import Settings, SettingsFile, Waiver

__all__ = [
    "CONFIGURATION",
    "PYPROJECT",
    "Settings",
    "SettingsFile",
    "Waiver",
    "load_settings",
    "load_waivers",
]
