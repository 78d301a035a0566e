"""The tables as they are read: what the catalogue promises to those who look things up."""

from services.reference.catalogue import Catalogue


def test_the_catalogue_carries_the_version_of_its_manifest(catalogue: Catalogue) -> None:
    assert catalogue.version == "2026.11"


def test_a_substance_is_found_by_name_cas_and_first_block(catalogue: Catalogue) -> None:
    (key,) = catalogue.with_name("Carfentanil")
    entry = catalogue.entry(key)
    assert entry is not None
    assert entry.family == "fentanyl"
    assert entry.effect_group == "synthetic_opioid"
    assert {"NPS", "SYN", "SYN.NSO", "SYN.FRS"} <= entry.codes
    assert catalogue.with_block(key) == (key,)
    assert entry.cas is not None
    assert catalogue.with_cas(entry.cas) == (key,)


def test_a_mark_overrides_the_effect_group_of_the_family(catalogue: Catalogue) -> None:
    (key,) = catalogue.with_name("mitragynine")
    entry = catalogue.entry(key)
    assert entry is not None
    assert entry.effect_group == "opioid"
    assert entry.marks == frozenset()


def test_other_marks_are_kept_as_marks(catalogue: Catalogue) -> None:
    (key,) = catalogue.with_name("xylazine")
    entry = catalogue.entry(key)
    assert entry is not None
    assert entry.marks == {"alpha2_agonist"}


def test_a_plant_material_is_an_entry_without_structure(catalogue: Catalogue) -> None:
    (key,) = catalogue.with_name("hoja de coca")
    entry = catalogue.entry(key)
    assert entry is not None
    assert (entry.key, entry.plant, entry.inchikey) == ("plant:coca leaf", True, None)
    assert [(control.convention, control.schedule) for control in entry.controls] == [("1961", "I")]


def test_a_family_shares_the_codes_that_nine_in_ten_of_its_rows_carry(catalogue: Catalogue) -> None:
    assert catalogue.families["nitazene"].codes_shared == {"NPS", "SYN", "SYN.NSO"}
    assert catalogue.families["opioid_other"].codes_shared == {"SYN", "SYN.NSO"}
    assert catalogue.families["opioid_classic"].codes_shared == frozenset()
