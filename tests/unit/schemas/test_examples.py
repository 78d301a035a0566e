"""The examples, the JSON Schemas and the older samples agree with the contracts."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from schemas import generate
from schemas.alerts import Alert, canonical_json, stored_json
from schemas.vocabularies import First, ReferenceRelation, Status
from services.ingest.validation import parse_alert
from tests.builders import NOW

_SCHEMAS = Path(generate.__file__).parent
_EXAMPLES = sorted((_SCHEMAS / "examples").glob("*.json"))


def _example(name: str) -> Alert:
    return parse_alert((_SCHEMAS / "examples" / f"{name}.json").read_bytes(), now=NOW)


def test_there_are_twelve_examples() -> None:
    assert len(_EXAMPLES) == 12


@pytest.mark.parametrize("path", _EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_valid_marked_an_exercise_and_survives_writing(path: Path) -> None:
    alert = parse_alert(path.read_bytes(), now=NOW)
    assert alert.status is Status.EXERCISE
    assert alert.national_ref == f"SYN-{path.stem.upper()}"
    assert parse_alert(canonical_json(alert), now=NOW) == alert
    assert Alert.model_validate_json(canonical_json(alert)) == alert
    assert Alert.model_validate_json(stored_json(alert)) == alert


@pytest.mark.parametrize("path", _EXAMPLES, ids=lambda path: path.stem)
def test_an_example_and_its_written_forms_keep_the_json_schema(path: Path) -> None:
    validator = Draft202012Validator(json.loads((generate.FOLDER / "alert.json").read_text(encoding="utf-8")))
    validator.validate(json.loads(path.read_bytes()))
    alert = parse_alert(path.read_bytes(), now=NOW)
    validator.validate(json.loads(canonical_json(alert)))
    validator.validate(json.loads(stored_json(alert)))


def test_the_examples_say_what_the_scenarios_rest_on() -> None:
    assert _example("ar-02").references[0].relation is ReferenceRelation.UPDATE_OF
    assert _example("ca-03").findings[0].substances[1].first == (First.ADMIN1,)
    shipment, manufacture = _example("mx-09").shipment, _example("gt-10").manufacture
    assert shipment is not None
    assert shipment.transport == "maritime"
    assert manufacture is not None
    assert manufacture.equipment[0].kind == "tablet_press"
    assert _example("cl-12").findings == ()


def test_the_json_schemas_are_what_the_models_generate() -> None:
    written = {path.name: path.read_text(encoding="utf-8") for path in generate.FOLDER.glob("*.json")}
    assert written == generate.documents(), "run: python -m schemas.generate"


@pytest.mark.parametrize("name", sorted(generate.documents()))
def test_a_json_schema_is_one(name: str) -> None:
    Draft202012Validator.check_schema(json.loads(generate.documents()[name]))
