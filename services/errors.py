"""What a failure asks of the caller: try later, never again, or stop. Everything else is a bug and crashes.

Adapters translate their library's errors into these, `from` the original.
"""


class Transient(Exception):
    """Something that we depend on is out of reach: try later; nothing was changed."""


class Invalid(Exception):
    """The record can never succeed: keep it as a dead letter, count it, go on.

    `reason` is a stable snake_case code (a metric label); `detail` is for a person and never repeats a value
    that was sent.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        """Keep the code and its explanation."""
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class Misconfigured(Exception):
    """The process cannot start: exit status 2. `setting` is the name of the environment variable or file."""

    def __init__(self, setting: str, detail: str) -> None:
        """Keep the setting's name and what is wrong with it, never its value where that is a secret."""
        super().__init__(f"{setting}: {detail}")
        self.setting = setting
        self.detail = detail
