"""How often it was found: shares of samples, and whether they rise."""

from collections.abc import Iterable

from schemas.alerts import Alert, Harm, SampleCounts, Samples
from schemas.vocabularies import SenderRole, SourceType
from services.classify.found import OPIOID, Found
from services.classify.harms import cases_of, is_recent
from services.classify.hazards import Product

LEAST_SAMPLES = 20  # below, a share says nothing
LARGE_SHARE = 20.0  # percent
_DOUBLED = 2
_AUTHORITIES = frozenset(
    {SourceType.HEALTH_AUTHORITY, SourceType.REGULATOR, SourceType.POLICE, SourceType.CUSTOMS}
)
_AUTHORITY_ROLES = frozenset(
    {
        SenderRole.NDO,
        SenderRole.EWS_COORDINATOR,
        SenderRole.HEALTH,
        SenderRole.POLICE,
        SenderRole.CUSTOMS,
        SenderRole.REGULATOR,
    }
)


def largest_opioid_share(alert: Alert, products: Iterable[Product]) -> float | None:
    """Return the largest share, in percent, of an opioid in what was sold as something else.

    Only shares of 20 samples or more count, and shares without a number of samples where a public authority
    printed them.
    """
    shares = [
        share
        for product in products
        for one in product.opioids
        if _sold_otherwise(product, one)
        and (share := _reliable_share(_samples(product, one), authority=_by_authority(alert))) is not None
    ]
    return max(shares, default=None)


def share_rises(product: Product, one: Found) -> bool:
    """Return whether the share of samples with ``one`` at least doubled, with 20 samples in each period."""
    samples = _samples(product, one)
    if samples is None or samples.earlier is None:
        return False
    now, before = _share(samples), _share(samples.earlier)
    if now is None or before is None or not (_enough(samples) and _enough(samples.earlier)):
        return False
    return now > 0 and now >= _DOUBLED * before


def cases_rise(alert: Alert) -> bool:
    """Return whether a recent statement counts twice the cases of an earlier window at least as long."""
    recent = [harm for harm in alert.harms if is_recent(harm, alert)]
    return any(_doubles(now, before) for now in recent for before in alert.harms if before is not now)


def _doubles(now: Harm, before: Harm) -> bool:
    if now.finding != before.finding:
        return False
    if now.window_start is None or before.window_start is None or before.window_end is None:
        return False
    end = now.window_end if now.window_end is not None else now.window_start
    lasts, lasted = end.last - now.window_start.first, before.window_end.last - before.window_start.first
    earlier = before.window_end.last < now.window_start.first and lasted >= lasts
    return earlier and 0 < _DOUBLED * cases_of(before) <= cases_of(now)


def _samples(product: Product, one: Found) -> Samples | None:
    """Return the samples with ``one``: its own, or the finding's where it is all that acts in it."""
    if one.reported.samples is not None:
        return one.reported.samples
    alone = all(other.substance == one.substance for other in product.found if other.acting)
    return product.finding.samples if alone else None


def _sold_otherwise(product: Product, one: Found) -> bool:
    if product.finding.sold_as is None:
        return False
    sold_as = product.sold_as
    if sold_as.keys:
        return not one.keys & sold_as.keys
    if sold_as.families:
        return one.identity.family not in sold_as.families
    # Slang for an opioid, and words that nobody understands, do not tell what a buyer was promised.
    return sold_as.food or (bool(sold_as.effect_groups) and OPIOID not in sold_as.effect_groups)


def _reliable_share(samples: Samples | None, *, authority: bool) -> float | None:
    if samples is None:
        return None
    return _share(samples) if _enough(samples) or (samples.tested is None and authority) else None


def _share(samples: SampleCounts) -> float | None:
    if samples.tested and samples.positive is not None:
        return 100 * samples.positive / samples.tested
    return samples.share_percent


def _enough(samples: SampleCounts) -> bool:
    return samples.tested is not None and samples.tested >= LEAST_SAMPLES


def _by_authority(alert: Alert) -> bool:
    said_by = alert.sender is not None and alert.sender.role in _AUTHORITY_ROLES
    return said_by or bool(_AUTHORITIES & set(alert.source_types))
