"""The closed vocabularies of findings, substances and supply; import them from `schemas.vocabularies`."""

from schemas.words import Word


class Market(Word):
    """Where a product comes from."""

    ILLICIT = "illicit"
    DIVERTED_MEDICINE = "diverted_medicine"
    RETAIL_PRODUCT = "retail_product"
    CHEMICAL_TRADE = "chemical_trade"
    UNKNOWN = "unknown"


class Matrix(Word):
    """In what it was found; also the form of a product."""

    POWDER = "powder"
    CRYSTAL = "crystal"
    TABLET = "tablet"
    CAPSULE = "capsule"
    BLOTTER = "blotter"
    LIQUID = "liquid"
    E_LIQUID = "e_liquid"
    PLANT_MATERIAL = "plant_material"
    IMPREGNATED_PAPER = "impregnated_paper"
    EDIBLE = "edible"
    ADHESIVE = "adhesive"
    RESIDUE = "residue"
    AMPOULE = "ampoule"
    CHEMICAL_BULK = "chemical_bulk"
    EQUIPMENT = "equipment"
    BLOOD = "blood"
    URINE = "urine"
    HAIR = "hair"
    ORAL_FLUID = "oral_fluid"
    POST_MORTEM = "post_mortem"
    WASTEWATER = "wastewater"
    UNKNOWN = "unknown"


class Role(Word):
    """What a substance does in its product."""

    PRINCIPAL = "principal"
    ADULTERANT = "adulterant"
    CUTTING_AGENT = "cutting_agent"
    PRECURSOR = "precursor"
    REAGENT = "reagent"
    INTERMEDIATE = "intermediate"
    BY_PRODUCT = "by_product"
    METABOLITE = "metabolite"
    CO_DETECTED = "co_detected"  # in the patient or beside the product, not in it


class Confirmation(Word):
    """How surely a substance was identified."""

    UNVERIFIED = "unverified"
    CLINICAL_SUSPECTED = "clinical_suspected"
    PRESUMPTIVE_FIELD = "presumptive_field"
    PRESUMPTIVE_LAB = "presumptive_lab"
    CONFIRMED = "confirmed"
    CONFIRMED_REFERENCE = "confirmed_reference"  # against a reference standard
    RULED_OUT = "ruled_out"

    @property
    def rank(self) -> int:
        """Return 0 for unverified up to 5 for confirmed by a reference standard; -1 for ruled out."""
        return _CONFIRMATION_RANK[self]


_CONFIRMATION_RANK = {
    one: -1 if one is Confirmation.RULED_OUT else index for index, one in enumerate(Confirmation)
}


class Method(Word):
    """By what it was identified."""

    COLOUR_TEST = "colour_test"
    TEST_STRIP = "test_strip"
    IMMUNOASSAY = "immunoassay"
    TLC = "tlc"
    UV_VIS = "uv_vis"
    FTIR = "ftir"
    RAMAN = "raman"
    GC_FID = "gc_fid"
    GC_MS = "gc_ms"
    LC_MS_MS = "lc_ms_ms"
    LC_QTOF_MS = "lc_qtof_ms"
    NMR = "nmr"
    OTHER = "other"


class LabType(Word):
    """What kind of laboratory identified it."""

    NATIONAL_REFERENCE = "national_reference"
    FORENSIC = "forensic"
    HOSPITAL = "hospital"
    DRUG_CHECKING = "drug_checking"
    UNIVERSITY = "university"


class Unit(Word):
    """Units of quantities; those in braces are UCUM annotations and count pieces."""

    KILOGRAM = "kg"
    GRAM = "g"
    MILLIGRAM = "mg"
    LITRE = "L"
    MILLILITRE = "mL"
    TABLET = "{tbl}"
    BLOTTER = "{blotter}"
    SHEET = "{sheet}"
    AMPOULE = "{ampoule}"
    SAMPLE = "{sample}"


class PurityUnit(Word):
    """Units of purity or strength."""

    PERCENT = "% w/w"
    MG_PER_UNIT = "mg/unit"
    MG_PER_G = "mg/g"
    MG_PER_ML = "mg/mL"
    NG_PER_ML = "ng/mL"


class PurityBasis(Word):
    """Of what the purity is stated."""

    FREE_BASE = "free_base"
    SALT = "salt"
    UNKNOWN = "unknown"


class First(Word):
    """In what way a finding is the first of its kind."""

    ADMIN1 = "admin1"
    COUNTRY = "country"
    REGION = "region"
    FORM = "form"  # first in this form or route
    KNOWN = "known"  # denies it: "continues", "since 2018"


class NationalControl(Word):
    """Whether the sender's country controls the substance."""

    CONTROLLED = "controlled"
    TEMPORARY = "temporary"
    GENERIC = "generic"
    NOT_CONTROLLED = "not_controlled"
    UNKNOWN = "unknown"


class RouteOfUse(Word):
    """How it was taken."""

    ORAL = "oral"
    INTRANASAL = "intranasal"
    INHALED_SMOKED = "inhaled_smoked"
    INHALED_VAPED = "inhaled_vaped"
    INJECTED = "injected"
    SUBLINGUAL = "sublingual"
    TRANSDERMAL = "transdermal"
    RECTAL = "rectal"
    UNKNOWN = "unknown"


class Outcome(Word):
    """What became of the attempt to identify a substance."""

    RESOLVED = "resolved"
    AMBIGUOUS = "ambiguous"
    CLASS_ONLY = "class_only"
    UNKNOWN = "unknown"
    INVALID = "invalid"


class Category(Word):
    """The labels of the catalogue; a code before a dot is the parent of those that begin with it."""

    NPS = "NPS"
    SYN = "SYN"
    SYN_NSO = "SYN.NSO"
    SYN_NSO_NITAZENE = "SYN.NSO.NITAZENE"
    SYN_NSO_OTHER = "SYN.NSO.OTHER"
    SYN_FRS = "SYN.FRS"
    SYN_ATS = "SYN.ATS"
    SYN_OTH = "SYN.OTH"
    CHM = "CHM"
    CHM_PRE = "CHM.PRE"
    CHM_ESS = "CHM.ESS"
    CHM_PPR = "CHM.PPR"
    CHM_NSC = "CHM.NSC"
    PHA = "PHA"
    PHA_NAR = "PHA.NAR"
    PHA_PSY = "PHA.PSY"
    PHA_PRE = "PHA.PRE"
    PLT = "PLT"
    EQP = "EQP"
    X_ADU = "X.ADU"
    X_UNK = "X.UNK"


class ShipmentKind(Word):
    """What became of a shipment."""

    SUSPICIOUS = "suspicious"
    STOPPED = "stopped"
    SEIZED = "seized"
    DIVERTED = "diverted"
    THEFT = "theft"


class Transport(Word):
    """How a shipment travelled."""

    AIR = "air"
    MARITIME = "maritime"
    RIVER = "river"
    ROAD = "road"
    RAIL = "rail"
    POST_COURIER = "post_courier"


class ReportTo(Word):
    """The international systems that a shipment belongs into as well."""

    IONICS = "ionics"
    PICS = "pics"
    PRISM = "prism"
    COHESION = "cohesion"


class ManufactureStage(Word):
    """What was done at a manufacturing site."""

    EXTRACTION = "extraction"
    SYNTHESIS = "synthesis"
    CONVERSION = "conversion"
    MIXING = "mixing"
    IMPREGNATION = "impregnation"
    TABLETING = "tableting"
    PACKAGING = "packaging"


class EquipmentKind(Word):
    """Equipment of manufacture."""

    TABLET_PRESS = "tablet_press"
    ENCAPSULATOR = "encapsulator"
    REACTOR = "reactor"
    GLASSWARE = "glassware"
    OTHER = "other"
