"""Samples: how many were positive of how many tested, and in the period before."""

from schemas.alerts import SampleCounts, Samples
from services.notify.typography import number
from services.notify.voice import Voice


def samples_text(samples: Samples | None, voice: Voice) -> list[str]:
    """Return one sentence for the period and one for that before; none where no number was stated."""
    if samples is None:
        return []
    told = [_counts(samples, "samples", voice), _counts(samples.earlier, "samples_earlier", voice)]
    return [each for each in told if each]


def _counts(counts: SampleCounts | None, code: str, voice: Voice) -> str:
    if counts is None:
        return ""
    if counts.share_percent is not None:
        return voice.say("label", "share", share=f"{number(float(counts.share_percent), voice.language)} %")
    if counts.positive is None and counts.tested is None:
        return ""
    missing = f"({voice.not_stated()})"
    positive = missing if counts.positive is None else number(counts.positive, voice.language)
    tested = missing if counts.tested is None else number(counts.tested, voice.language)
    return voice.say("label", code, positive=positive, tested=tested)
