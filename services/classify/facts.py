"""The facts that severity is decided from, derived once and shown with the verdict.

Pure arithmetic over the alert, what its substances are, and what the register knows of its place. Where the
sender's statements are inexact or overlap, a fact is the least that is certain (see
:mod:`services.classify.harms`).

Source: HPAD-2021:RIME.1.4@L313, HPAD-2021:RIME.1.5@L314.
"""

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import NamedTuple

from schemas.alerts import Alert
from schemas.classifications import CategoryLabel, Scalar
from schemas.vocabularies import EventType, First, MessageType, Presence, SenderRole, Severity
from services.classify.firsts import NO_HISTORY, PLACES, FirstsHistory, Novelty, novelties
from services.classify.harms import Statement, recent_statements, severe_in_72_hours, total
from services.classify.hazards import Product, is_echo, products
from services.classify.identities import Identity
from services.classify.samples import cases_rise, largest_opioid_share, share_rises
from services.classify.sold_as import SoldAs
from services.classify.supply import (
    has_table_one,
    is_chemical_or_medicine,
    is_manufacture,
    makes_opioids,
    opioid_medicine_units,
    was_stopped,
)

_DOUBLED = 2


class Facts(NamedTuple):
    """What the rules ask. Counts are lower bounds of recent harm; ``…_opioid`` is what goes with an opioid.

    ``first`` is the widest place (region, country, admin1) or ``form``; ``first_watched`` says in what way a
    synthetic opioid or an alpha-2 agonist is new (region, country, family_admin1, admin1_severe).
    """

    echo: bool
    opioid: bool
    synthetic_opioid: bool  # weak medicines included
    unknown_agent: bool
    resistant_sedative: bool
    disguised: bool
    disguised_opioid: bool
    mis_sold: bool
    deaths: int
    deaths_opioid: int
    deaths_unknown_agent: int
    deaths_disguised: int
    severe: int
    severe_72h: int
    severe_72h_opioid: int
    severe_masked_opioid: int
    cases: int
    cases_opioid: int
    cases_unknown_agent: int
    cases_disguised: int
    first: str | None
    first_watched: str | None
    rising: bool
    rising_watched: bool
    opioid_share_percent: float | None
    stopped: bool
    stopped_table_one: bool
    stopped_opioid_units: int
    stopped_goods: bool
    manufacture: bool
    opioid_manufacture: bool
    potency_change: bool
    health_critical: bool

    def as_json(self) -> dict[str, Scalar]:
        """Return the facts by name, as JSON scalars, for the trace."""
        return self._asdict()


def derive(
    alert: Alert,
    identities: Sequence[Sequence[Identity]],
    *,
    labels: Sequence[CategoryLabel],
    sold_as: Sequence[SoldAs],
    history: FirstsHistory = NO_HISTORY,
) -> Facts:
    """Return the facts of ``alert``. ``identities`` and ``sold_as`` follow its findings."""
    found = products(alert, identities, sold_as=sold_as)
    harm = _Harm(alert, found)
    echo = is_echo(alert)
    every = tuple(one for product in found for one in product.found)
    new = () if echo else novelties(alert, every, history=history)
    stopped = tuple(product for product in found if was_stopped(alert, product))
    doubled = _cases_doubled(alert, cases=harm.cases(), history=history) or cases_rise(alert)
    share = largest_opioid_share(alert, found)
    return Facts(
        echo=echo,
        opioid=any(product.opioids for product in found),
        synthetic_opioid=any(one.synthetic_opioid and one.acting for one in every),
        unknown_agent=harm.cases(harm.unknown) > 0,
        resistant_sedative=any(product.resistant_sedative for product in found),
        disguised=any(product.disguises for product in found),
        disguised_opioid=any(product.disguised_opioid for product in found),
        mis_sold=_mis_sold(alert, found),
        deaths=harm.deaths(),
        deaths_opioid=harm.deaths(harm.opioid),
        deaths_unknown_agent=harm.deaths(harm.unknown),
        deaths_disguised=harm.deaths(harm.disguised),
        severe=harm.severe(),
        severe_72h=severe_in_72_hours(harm.statements),
        severe_72h_opioid=severe_in_72_hours(filter(harm.opioid, harm.statements)),
        severe_masked_opioid=harm.severe(harm.masked_opioid),
        cases=harm.cases(),
        cases_opioid=harm.cases(harm.opioid),
        cases_unknown_agent=harm.cases(harm.unknown),
        cases_disguised=harm.cases(harm.disguised),
        first=_widest(new),
        first_watched=_watched(new, harm=harm),
        rising=doubled or any(share_rises(product, one) for product in found for one in product.found),
        rising_watched=(doubled and any(map(_is_watched, found))) or any(map(_share_of_watched_rises, found)),
        opioid_share_percent=None if share is None else round(share, 1),
        stopped=bool(stopped),
        stopped_table_one=any(has_table_one(alert, product) for product in stopped),
        stopped_opioid_units=sum(opioid_medicine_units(product, labels) for product in stopped),
        stopped_goods=any(is_chemical_or_medicine(alert, product, labels) for product in stopped),
        manufacture=is_manufacture(alert),
        opioid_manufacture=makes_opioids(alert, found),
        potency_change=EventType.POTENCY_CHANGE in alert.event_types,
        health_critical=_health_says_critical(alert),
    )


class _Harm:
    """The recent statements of harm, and with what each of them goes.

    A statement that names a finding goes with what was found in it; one that names none, with anything found.
    """

    def __init__(self, alert: Alert, found: Sequence[Product]) -> None:
        self._products = found
        indices = {product.index for product in found}
        elsewhere = bool(alert.findings) and not found and _is_hearsay_from_elsewhere(alert)
        self._refuted = EventType.RUMOUR_REFUTATION in alert.event_types
        self.statements = tuple(
            one
            for one in recent_statements(alert)
            if (one.finding is None and not elsewhere) or one.finding in indices
        )

    def deaths(self, where: Callable[[Statement], bool] | None = None) -> int:
        return self._total(where, _deaths)

    def severe(self, where: Callable[[Statement], bool] | None = None) -> int:
        return self._total(where, _severe)

    def cases(self, where: Callable[[Statement], bool] | None = None) -> int:
        return self._total(where, _cases)

    def opioid(self, statement: Statement) -> bool:
        return any(product.opioids for product in self._of(statement))

    def disguised(self, statement: Statement) -> bool:
        return any(product.disguises for product in self._of(statement))

    def masked_opioid(self, statement: Statement) -> bool:
        return any(product.masked_opioid for product in self._of(statement))

    def unknown(self, statement: Statement) -> bool:
        return not self._refuted and not any(product.identified for product in self._of(statement))

    def severe_with(self, product: int) -> int:
        return self.severe(lambda statement: statement.finding in {None, product})

    def _total(self, where: Callable[[Statement], bool] | None, measure: Callable[[Statement], int]) -> int:
        if not self.statements:  # as in most alerts
            return 0
        return int(total(filter(where or _anywhere, self.statements), measure))

    def _of(self, statement: Statement) -> Iterable[Product]:
        return (product for product in self._products if statement.finding in {None, product.index})


_deaths: Callable[[Statement], int] = attrgetter("deaths")
_severe: Callable[[Statement], int] = attrgetter("severe")
_cases: Callable[[Statement], int] = attrgetter("cases")


def _anywhere(_: Statement) -> bool:
    return True


def _is_hearsay_from_elsewhere(alert: Alert) -> bool:
    """Return whether all that ``alert`` names was seen in another place, by hearsay."""
    here = alert.location
    return any(
        finding.presence is Presence.MENTIONED
        and finding.origin is not None
        and (
            (finding.origin.country is not None and finding.origin.country != here.country)
            or bool(
                finding.origin.admin1 and here.admin1 and not set(finding.origin.admin1) & set(here.admin1)
            )
        )
        for finding in alert.findings
    )


def _mis_sold(alert: Alert, found: Sequence[Product]) -> bool:
    """Return whether a product is not what it was sold as, in a way that the alert says or its facts show."""
    said = {EventType.SUBSTITUTION, EventType.COUNTERFEIT_PHARMACEUTICAL, EventType.ADULTERATION}
    return bool(said & set(alert.event_types)) or any(
        product.disguises or product.mis_sold or product.adulterated for product in found
    )


def _widest(new: Iterable[Novelty]) -> str | None:
    found = tuple(new)
    for place in PLACES:
        if any(place in one.substance or place in one.family for one in found):
            return place.value
    return First.FORM.value if any(one.form for one in found) else None


def _watched(new: Iterable[Novelty], *, harm: _Harm) -> str | None:
    """Return in what way a synthetic opioid or an alpha-2 agonist is new here, by a laboratory."""
    for one in new:
        found = one.found
        if not (found.laboratory and found.acting and (found.alpha2 or found.synthetic_and_strong)):
            continue
        for place in (First.REGION, First.COUNTRY):
            if place in one.substance:
                return place.value
        if First.ADMIN1 in one.family:
            return "family_admin1"
        if First.ADMIN1 in one.substance and harm.severe_with(found.finding):
            return "admin1_severe"
    return None


def _is_watched(product: Product) -> bool:
    return bool(product.opioids) or product.resistant_sedative


def _share_of_watched_rises(product: Product) -> bool:
    watched = (one for one in product.found if one in product.opioids or _is_resistant(product, one))
    return any(share_rises(product, one) for one in watched)


def _is_resistant(product: Product, one: object) -> bool:
    return product.resistant_sedative and one in product.sedatives


def _cases_doubled(alert: Alert, *, cases: int, history: FirstsHistory) -> bool:
    before = history.cases_before
    return alert.message_type is MessageType.UPDATE and bool(before) and cases >= _DOUBLED * (before or 0)


def _health_says_critical(alert: Alert) -> bool:
    by_health = alert.sender is not None and alert.sender.role is SenderRole.HEALTH
    return by_health and alert.severity_reported is Severity.CRITICAL
