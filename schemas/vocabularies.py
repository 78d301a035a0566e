"""The closed vocabularies of the wire; `services/reference/data/terms.csv` has each word in four languages.

Those of messages and events stand here; those of findings, substances and supply are written in
`schemas.substance_words` and imported from here too.
"""

from schemas.substance_words import (
    Category,
    Confirmation,
    EquipmentKind,
    First,
    LabType,
    ManufactureStage,
    Market,
    Matrix,
    Method,
    NationalControl,
    Outcome,
    PurityBasis,
    PurityUnit,
    ReportTo,
    Role,
    RouteOfUse,
    ShipmentKind,
    Transport,
    Unit,
)
from schemas.words import Word

__all__ = [
    "AckState",
    "AttachmentKind",
    "Attribution",
    "Audience",
    "Category",
    "Confirmation",
    "CorrelationLevel",
    "DatePrecision",
    "EquipmentKind",
    "EventType",
    "ExternalSystem",
    "First",
    "LabType",
    "Language",
    "ManufactureStage",
    "Market",
    "Matrix",
    "MeasureStatus",
    "MessageState",
    "MessageType",
    "Method",
    "NationalControl",
    "Outcome",
    "Presence",
    "PurityBasis",
    "PurityUnit",
    "Qualifier",
    "ReferenceRelation",
    "Reliability",
    "ReportTo",
    "RequestKind",
    "Role",
    "RouteOfUse",
    "SenderRole",
    "Setting",
    "Severity",
    "ShipmentKind",
    "SourceType",
    "Status",
    "ThreadState",
    "Tlp",
    "TranslationOrigin",
    "Transport",
    "Unit",
    "UpdateReason",
]


class MessageType(Word):
    """What a message does to its thread."""

    ALERT = "alert"
    UPDATE = "update"  # new facts; what was said stays true
    CORRECTION = "correction"
    RETRACTION = "retraction"
    CLOSURE = "closure"
    DISPUTE = "dispute"


class UpdateReason(Word):
    """Why an update was sent."""

    NEW_FINDINGS = "new_findings"
    NEW_HARMS = "new_harms"
    SITUATION_REPORT = "situation_report"
    RENEWAL = "renewal"  # still in force
    TRANSLATION = "translation"  # changes no fact, counts nothing


class Status(Word):
    """How serious the message is meant; a thread has one."""

    ACTUAL = "actual"
    EXERCISE = "exercise"
    TEST = "test"
    DRAFT = "draft"


class ReferenceRelation(Word):
    """How a message relates to what it refers to."""

    UPDATE_OF = "update_of"
    CORRECTS = "corrects"
    RETRACTS = "retracts"
    CLOSES = "closes"
    DISPUTES = "disputes"
    SAME_EVENT_AS = "same_event_as"
    SAME_THREAT_AS = "same_threat_as"
    ECHO_OF = "echo_of"


class SenderRole(Word):
    """What kind of institution sends."""

    NDO = "ndo"
    EWS_COORDINATOR = "ews_coordinator"
    LAB = "lab"
    HEALTH = "health"
    POLICE = "police"
    CUSTOMS = "customs"
    REGULATOR = "regulator"


class Tlp(Word):
    """The Traffic Light Protocol 2.0 of FIRST."""

    RED = "TLP:RED"
    AMBER_STRICT = "TLP:AMBER+STRICT"
    AMBER = "TLP:AMBER"
    GREEN = "TLP:GREEN"
    CLEAR = "TLP:CLEAR"

    @property
    def strictness(self) -> int:
        """Return 0 for CLEAR up to 4 for RED."""
        return _TLP_STRICTNESS[self]


_TLP_STRICTNESS = {tlp: 4 - index for index, tlp in enumerate(Tlp)}


class Audience(Word):
    """For whom a message is."""

    HEALTH = "health"
    LAW_ENFORCEMENT = "law_enforcement"
    FORENSIC = "forensic"
    REGULATOR = "regulator"
    PRIVATE_SECTOR = "private_sector"
    PUBLIC = "public"


class Language(Word):
    """The official languages of the Organization of American States, ISO 639-1."""

    EN = "en"
    ES = "es"
    FR = "fr"
    PT = "pt"


class EventType(Word):
    """What happened."""

    FIRST_DETECTION = "first_detection"
    SEIZURE = "seizure"
    COLLECTED_SAMPLE = "collected_sample"
    BIOLOGICAL_DETECTION = "biological_detection"
    INTOXICATION_CLUSTER = "intoxication_cluster"
    DEATH = "death"
    ADULTERATION = "adulteration"
    SUBSTITUTION = "substitution"
    POTENCY_CHANGE = "potency_change"
    NEW_FORM_OR_ROUTE = "new_form_or_route"
    COUNTERFEIT_PHARMACEUTICAL = "counterfeit_pharmaceutical"
    CLANDESTINE_MANUFACTURE = "clandestine_manufacture"
    SUSPICIOUS_SHIPMENT = "suspicious_shipment"
    STOPPED_SHIPMENT = "stopped_shipment"
    DIVERSION = "diversion"
    THEFT = "theft"
    MODUS_OPERANDI = "modus_operandi"
    ONLINE_SALE = "online_sale"
    EQUIPMENT = "equipment"
    CONTROL_CHANGE = "control_change"
    RUMOUR_REFUTATION = "rumour_refutation"
    OTHER = "other"


class Severity(Word):
    """How grave; from the gravest."""

    CRITICAL = "critical"
    HIGH = "high"
    MODERATE = "moderate"
    INFO = "info"

    @property
    def rank(self) -> int:
        """Return 0 for critical up to 3 for info: the order in which notifications leave."""
        return _SEVERITY_RANK[self]


_SEVERITY_RANK = {severity: index for index, severity in enumerate(Severity)}


class Setting(Word):
    """Where it happened, by kind of place."""

    COMMUNITY = "community"
    NIGHTLIFE = "nightlife"
    PRISON = "prison"
    SCHOOL = "school"
    HEALTH_FACILITY = "health_facility"
    SEAPORT = "seaport"
    AIRPORT = "airport"
    LAND_BORDER = "land_border"
    MAIL_COURIER = "mail_courier"
    ONLINE = "online"
    LABORATORY_SITE = "laboratory_site"
    WASTEWATER = "wastewater"
    OTHER = "other"


class SourceType(Word):
    """Who told the sender."""

    POLICE = "police"
    CUSTOMS = "customs"
    FORENSIC_LAB = "forensic_lab"
    TOX_LAB = "tox_lab"
    POISON_CENTRE = "poison_centre"
    HOSPITAL_ED = "hospital_ed"
    EMS = "ems"
    CORONER = "coroner"
    TREATMENT = "treatment"
    DRUG_CHECKING = "drug_checking"
    CIVIL_SOCIETY = "civil_society"
    PRISON = "prison"
    POSTAL = "postal"
    REGULATOR = "regulator"
    HEALTH_AUTHORITY = "health_authority"
    PRIVATE_SECTOR = "private_sector"
    WASTEWATER = "wastewater"
    MEDIA_OPEN_SOURCE = "media_open_source"
    PERSON_REPORT = "person_report"
    FOREIGN_EWS = "foreign_ews"


class Reliability(Word):
    """How far the sender trusts its sources."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Presence(Word):
    """Whether it was found in the sender's country."""

    DETECTED_HERE = "detected_here"
    NOT_DETECTED_HERE = "not_detected_here"  # passes on another's finding
    MENTIONED = "mentioned"  # hearsay, press


class Qualifier(Word):
    """How exact a count is."""

    EXACT = "exact"
    AT_LEAST = "at_least"
    ABOUT = "about"
    AT_MOST = "at_most"
    SEVERAL = "several"  # a cluster or series whose number was not stated: never zero


class Attribution(Word):
    """How surely the harm comes from the finding."""

    CONFIRMED = "confirmed"
    SUSPECTED = "suspected"
    ASSOCIATED = "associated"
    BACKGROUND = "background"  # a statistic, not this event


class MeasureStatus(Word):
    """Whether a measure was taken."""

    TAKEN = "taken"
    PLANNED = "planned"


class RequestKind(Word):
    """What the sender asks the readers for."""

    INFORMATION_REQUEST = "information_request"
    VERIFICATION = "verification"
    REFERENCE_MATERIAL = "reference_material"


class ExternalSystem(Word):
    """Other systems that hold the same report."""

    IONICS = "ionics"
    PICS = "pics"
    PEN = "pen"
    I2ES = "i2es"
    UNODC_EWA = "unodc_ewa"
    EU_EWS = "eu_ews"
    EDAS = "edas"
    INTERPOL = "interpol"
    URL = "url"


class AttachmentKind(Word):
    """What an attachment shows."""

    SPECTRUM = "spectrum"
    IMAGE = "image"
    REPORT = "report"
    OTHER = "other"


class TranslationOrigin(Word):
    """Who translated."""

    HUMAN = "human"
    MACHINE = "machine"


class MessageState(Word):
    """Where an accepted message stands. Accepted = pending + held + classified + dead, always."""

    PENDING = "pending"
    HELD = "held"  # refers to something unknown
    CLASSIFIED = "classified"
    DEAD = "dead"


class ThreadState(Word):
    """Where a thread stands; `disputed` is a mark beside it, `under_review` one of the classification."""

    OPEN = "open"
    CLOSED = "closed"
    RETRACTED = "retracted"


class AckState(Word):
    """What a recipient answers."""

    SEEN = "seen"
    ACKNOWLEDGED = "acknowledged"
    ACTING = "acting"
    ACTION_TAKEN = "action_taken"
    NOT_RELEVANT = "not_relevant"


class CorrelationLevel(Word):
    """How a message relates to what other messages report."""

    NEW = "new"
    CONTENT_COPY = "content_copy"
    SAME_EVENT = "same_event"
    SAME_THREAT = "same_threat"
    ECHO = "echo"
    POSSIBLE_SAME_EVENT = "possible_same_event"


class DatePrecision(Word):
    """How much of a date is known."""

    YEAR = "year"
    MONTH = "month"
    DAY = "day"
    INSTANT = "instant"
