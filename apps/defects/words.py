"""Full-text search: what of a defect is searched, and how typed words become a query."""

import re

from django.contrib.postgres.search import SearchQuery, SearchVector

CONFIG = "english"  # stems; error texts are English nearly everywhere, and other words match as they stand
DEFECT_WORDS = SearchVector("title", "description", config=CONFIG)
CAUSE_WORDS = SearchVector("explanation", config=CONFIG)
MOST = 12  # words of a query

_WORD = re.compile(r"[^\W_]{2,}")


def all_words(text: str) -> SearchQuery | None:
    """Matches what has every word of *text*, each as the beginning of a word; None without a word."""
    return _query(text, " & ", ":*")


def any_word(text: str) -> SearchQuery | None:
    """Matches what has some word of *text*: for ranking by likeness."""
    return _query(text, " | ", "")


def _query(text: str, joined_by: str, suffix: str) -> SearchQuery | None:
    words = list(dict.fromkeys(_WORD.findall(text.lower())))[:MOST]
    if not words:
        return None
    return SearchQuery(joined_by.join(word + suffix for word in words), search_type="raw", config=CONFIG)
