"""kicklint: a typestate linter for the KVM vCPU kick protocol."""

__version__ = "0.1.0"
