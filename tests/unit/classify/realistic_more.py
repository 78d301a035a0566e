"""The second half of the alerts of our own: supply, echoes, hearsay, trends."""

from tests.unit.classify.realistic import Case, found, within

MORE_CASES = (
    Case(
        name="a solvent of Table II stopped",
        fields={
            "language": "es",
            "location": within("PE"),
            "event_types": ["stopped_shipment"],
            "source_types": ["customs"],
            "shipment": {"kind": "stopped", "transport": "road"},
            "findings": [{"market": "chemical_trade", "substances": [found("acetona", role="reagent")]}],
        },
        expected="moderate",
        rule="M5",
        codes=frozenset({"CHM", "CHM.PRE", "CHM.ESS"}),
    ),
    Case(
        name="fentanyl ampoules diverted from hospitals",
        fields={
            "language": "es",
            "location": within("AR", "AR-S"),
            "event_types": ["diversion"],
            "source_types": ["police", "regulator"],
            "shipment": {"kind": "diverted"},
            "findings": [
                {
                    "market": "diverted_medicine",
                    "matrices": ["ampoule"],
                    "quantities": [{"value": 240, "unit": "{ampoule}"}],
                    "substances": [found("fentanilo", "confirmed")],
                }
            ],
        },
        expected="high",
        rule="H6",
        codes=frozenset({"PHA", "PHA.NAR", "SYN", "SYN.NSO", "SYN.FRS"}),
    ),
    Case(
        name="a few clonazepam boxes stolen",
        fields={
            "language": "es",
            "location": within("AR"),
            "event_types": ["theft"],
            "source_types": ["police"],
            "shipment": {"kind": "theft"},
            "findings": [
                {
                    "quantities": [{"value": 600, "unit": "{tbl}"}],
                    "substances": [found("clonazepam", "unverified")],
                }
            ],
        },
        expected="moderate",
        rule="M5",
        codes=frozenset({"PHA", "PHA.PSY", "SYN", "SYN.OTH"}),
    ),
    Case(
        name="a substance of which the press speaks",
        fields={
            "language": "fr",
            "location": within("HT"),
            "event_types": ["other"],
            "source_types": ["media_open_source"],
            "findings": [{"presence": "mentioned", "substances": [found("xylazine", "unverified")]}],
        },
        expected="info",
        rule="I1",
        codes=frozenset({"X.ADU"}),
    ),
    Case(
        name="another state's nitazenes passed on, not found here",
        fields={
            "language": "es",
            "location": within("CR"),
            "event_types": ["death", "other"],
            "source_types": ["foreign_ews"],
            "findings": [
                {
                    "presence": "not_detected_here",
                    "origin": {"country": "PA"},
                    "substances": [found("isotonitazeno")],
                }
            ],
            "harms": [{"finding": 0, "deaths": 3, "attribution": "confirmed"}],
        },
        expected="moderate",
        rule="M4",
        codes=frozenset({"NPS", "SYN", "SYN.NSO"}),
    ),
    Case(
        name="what was thought fentanyl is methamphetamine alone",
        fields={
            "language": "en",
            "location": within("BZ"),
            "event_types": ["collected_sample"],
            "source_types": ["forensic_lab"],
            "findings": [
                {
                    "sold_as": "ice",
                    "substances": [
                        found("methamphetamine"),
                        found("fentanyl", "ruled_out"),
                    ],
                }
            ],
        },
        expected="info",
        rule="I1",
        codes=frozenset({"SYN", "SYN.ATS"}),
    ),
    Case(
        name="bromazolam in counterfeit alprazolam, one dead",
        fields={
            "language": "fr",
            "location": within("CA", "CA-QC"),
            "event_types": ["death", "counterfeit_pharmaceutical"],
            "source_types": ["coroner"],
            "findings": [
                {
                    "sold_as": "alprazolam",
                    "matrices": ["tablet"],
                    "substances": [found("bromazolam")],
                }
            ],
            "harms": [{"deaths": 1, "attribution": "suspected"}],
        },
        expected="critical",
        rule="C1.disguised",
        codes=frozenset({"NPS", "SYN", "SYN.OTH"}),
    ),
    Case(
        name="a fentanyl press house",
        fields={
            "language": "es",
            "location": within("MX", "MX-SIN"),
            "event_types": ["clandestine_manufacture", "seizure"],
            "source_types": ["police"],
            "manufacture": {"stages": ["tableting"], "equipment": [{"kind": "tablet_press", "count": 3}]},
            "findings": [{"substances": [found("fentanilo", "presumptive_field")]}],
        },
        expected="high",
        rule="H9",
        codes=frozenset({"SYN", "SYN.NSO", "SYN.FRS", "EQP"}),
    ),
    Case(
        name="the share of nitazenes doubles",
        fields={
            "language": "en",
            "location": within("CA", "CA-BC"),
            "event_types": ["collected_sample"],
            "source_types": ["drug_checking"],
            "findings": [
                {
                    "sold_as": "down",
                    "samples": {"tested": 300, "positive": 290},
                    "substances": [
                        found("fentanyl"),
                        found(
                            "N-desethyl isotonitazene",
                            role="adulterant",
                            first=["known"],
                            samples={
                                "tested": 300,
                                "positive": 36,
                                "earlier": {"tested": 280, "positive": 11},
                            },
                        ),
                    ],
                }
            ],
        },
        expected="high",
        rule="H7",
        codes=frozenset({"NPS", "SYN", "SYN.NSO", "SYN.FRS"}),
    ),
    Case(
        name="very strong MDMA tablets",
        fields={
            "language": "en",
            "location": within("TT"),
            "event_types": ["potency_change"],
            "source_types": ["forensic_lab"],
            "findings": [
                {
                    "sold_as": "ecstasy",
                    "matrices": ["tablet"],
                    "substances": [found("MDMA", purity={"value": 280, "unit": "mg/unit"})],
                }
            ],
        },
        expected="moderate",
        rule="M4",
        codes=frozenset({"SYN", "SYN.ATS"}),
    ),
    Case(
        name="an unknown opioid that answered to naloxone, four in hospital in a night",
        fields={
            "language": "pt",
            "location": within("BR", "BR-SP"),
            "event_types": ["intoxication_cluster"],
            "source_types": ["hospital_ed"],
            "findings": [{"substances": [found("opioide não especificado", "clinical_suspected")]}],
            "harms": [
                {
                    "cases": 4,
                    "hospitalised": 4,
                    "naloxone_given": 4,
                    "naloxone_response": 4,
                    "attribution": "suspected",
                    "window_hours": 12,
                }
            ],
        },
        expected="critical",
        rule="C3",
        codes=frozenset({"X.UNK"}),
    ),
    Case(
        name="a large seizure of cocaine",
        fields={
            "language": "fr",
            "location": within("HT", setting="seaport"),
            "event_types": ["seizure"],
            "source_types": ["customs"],
            "findings": [
                {
                    "matrices": ["powder"],
                    "quantities": [{"value": 900, "unit": "kg"}],
                    "substances": [found("cocaïne")],
                }
            ],
        },
        expected="info",
        rule="I1",
        codes=frozenset({"PLT"}),
    ),
    Case(
        name="synthetic cannabinoids in sweets, five children in hospital",
        fields={
            "language": "en",
            "location": within("JM"),
            "event_types": ["intoxication_cluster"],
            "source_types": ["hospital_ed"],
            "findings": [
                {
                    "sold_as": "candy",
                    "matrices": ["edible"],
                    "substances": [found("MDMB-4en-PINACA", "presumptive_lab")],
                }
            ],
            "harms": [{"cases": 5, "hospitalised": 2, "attribution": "suspected"}],
        },
        expected="high",
        rule="H5.disguised",
        codes=frozenset({"NPS", "SYN", "SYN.OTH"}),
    ),
    Case(
        name="a new form: fentanyl in eye-drop bottles",
        fields={
            "language": "es",
            "location": within("EC"),
            "event_types": ["seizure", "new_form_or_route"],
            "source_types": ["police"],
            "findings": [{"matrices": ["liquid"], "substances": [found("fentanilo", "presumptive_field")]}],
        },
        expected="moderate",
        rule="M1",
        codes=frozenset({"SYN", "SYN.NSO", "SYN.FRS"}),
    ),
)
