"""Exit statuses."""

NO_FINDINGS = 0
FINDINGS = 1
COULD_NOT_RUN = 2
# As shells report a death by signal.
INTERRUPTED = 130
TERMINATED = 143
PIPE_CLOSED = 141
