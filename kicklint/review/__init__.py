"""Two trees, one engine: patches in, what each of them makes worse out. Must not know output or options."""

from kicklint.review.bases import Place
from kicklint.review.series import all_series, series
from kicklint.review.session import ReviewRequest, review

__all__ = ["Place", "ReviewRequest", "all_series", "review", "series"]
