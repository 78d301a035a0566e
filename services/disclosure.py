"""Who may see what: one pure function, asked at send time, by every page and every API call."""

from enum import StrEnum


class Content(StrEnum):
    """How much of a message leaves."""

    FULL = "full"
    FINDINGS = "findings"  # product, sold_as, matrices, substances without purity, declared goods, transport, country
    NOTICE = "notice"  # that there is something, and where to sign in
    GONE = "gone"  # corrected or withdrawn: the earlier one must not be used; no content
    NOTHING = "nothing"
