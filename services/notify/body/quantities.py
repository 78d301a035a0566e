"""Amounts and strengths, with their units."""

from schemas.alerts import Purity, Quantity
from schemas.vocabularies import PurityUnit
from services.notify.typography import number
from services.notify.voice import Voice


def quantity_text(quantity: Quantity, voice: Voice) -> str:
    """Return `about 1,219 tablets`, `450 kg`."""
    value, unit = float(quantity.value), quantity.unit.value
    text = number(value, voice.language)
    if quantity.estimated:
        text = f"{voice.say('qualifier', 'about')} {text}"
    if unit.startswith("{"):
        return voice.numbered("unit", unit.strip("{}"), value, text=text)
    return f"{text} {unit}"


def purity_text(purity: Purity, voice: Voice) -> str:
    """Return `41 % w/w (as free base)`, or a range."""
    spread = [each for each in (purity.low, purity.high) if each is not None]
    values = [purity.value] if purity.value is not None else spread
    text = "–".join(number(float(each), voice.language) for each in values)
    unit = purity.unit.value
    if purity.unit is PurityUnit.MG_PER_UNIT:
        unit = voice.say("purity_unit", "mg_per_unit")
    return f"{text} {unit} ({voice.say('purity_basis', purity.basis.value)})"
