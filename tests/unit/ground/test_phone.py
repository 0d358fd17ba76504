"""Numbers as typed and as the platform accepts them (numbers.md §1, C-010, C-012, U-D21)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privatenumber.phone import (
    AREA_PROVINCES,
    InvalidNumber,
    NumberKind,
    is_global,
    kind,
    national,
    normalise,
)

MOBILES = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True).map(lambda digits: "+86" + digits)
LANDLINES = st.from_regex(r"(?:(?:10|2[0-57-9])[0-9]{8}|[3-9][0-9]{2}[0-9]{7,8})", fullmatch=True).map(
    lambda digits: "+86" + digits
)


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("13800138001", "+8613800138001"),
        ("138 0013 8001", "+8613800138001"),
        ("138-0013-8001", "+8613800138001"),
        ("8613800138001", "+8613800138001"),
        ("008613800138001", "+8613800138001"),
        ("+86 138 0013 8001", "+8613800138001"),
        ("１３８００１３８００１", "+8613800138001"),
        ("＋86（138）0013－8001", "+8613800138001"),
        ("0755-20000001", "+8675520000001"),
        ("075520000001", "+8675520000001"),
        ("(010)62000001", "+861062000001"),
        ("0556-2000001", "+865562000001"),
        ("021 6200 0001", "+862162000001"),
        ("+8675520000001", "+8675520000001"),
    ],
)
def test_what_people_type_becomes_a_global_number(typed: str, number: str) -> None:
    """numbers.md §1.3; U-D21: a landline loses exactly its trunk zero."""
    assert normalise(typed) == number


@pytest.mark.parametrize(("typed", "number"), [("400-100-1380", "+864001001380"), ("95500", "+8695500")])
def test_service_numbers_are_for_temporary_callees_only(typed: str, number: str) -> None:
    """numbers.md §1: 400, 800 and 95 numbers cannot be bound."""
    assert normalise(typed, service=True) == number
    for form in (typed, number):
        with pytest.raises(InvalidNumber):
            normalise(form)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "+",
        "abc",
        "1380013800",
        "138001380011",
        "12800138001",
        "013800138001",
        "20000001",
        "75520000001",
        "0400-1001380",
        "+86075520000001",
        "+85261234567",
        "0085261234567",
        "+14155550100",
        "8695500",
        "+86 138 0013 8001 ext 5",
        "%2B8613800138001",
    ],
)
def test_anything_else_is_refused_here(typed: str) -> None:
    """numbers.md §1.3, last row: no request is sent."""
    with pytest.raises(InvalidNumber):
        normalise(typed, service=True)


@given(st.from_regex(r"\+?[0-9 ()-]{4,20}", fullmatch=True))
def test_an_error_names_field_and_rule_and_never_the_number(text: str) -> None:
    """The same words for every number: nothing of the input can be in them."""
    assert refusal(text) in {
        None,
        "a: must be a mainland mobile number, or a landline number with its area code",
        "a: must be a mobile or landline number; 400, 800 and 95 numbers cannot be bound",
    }


def refusal(text: str) -> str | None:
    try:
        normalise(text, field="a")
    except InvalidNumber as error:
        return str(error)
    return None


@given(MOBILES | LANDLINES)
def test_normalising_is_idempotent(number: str) -> None:
    try:
        once = normalise(number)
    except InvalidNumber:
        assert kind(number) is NumberKind.SERVICE_400
        return
    assert normalise(once) == once == number


@given(MOBILES)
def test_a_mobile_is_dialled_with_eleven_digits(number: str) -> None:
    """C-012: handsets dial X without +86."""
    assert len(national(number)) == 11
    assert normalise(national(number)) == number


@given(LANDLINES)
def test_a_landline_is_dialled_with_its_zero_and_comes_back(number: str) -> None:
    """U-D21."""
    if kind(number) is NumberKind.LANDLINE:
        assert normalise(national(number)) == number


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("+8613800138001", NumberKind.MOBILE),
        ("+8617010000001", NumberKind.MOBILE),
        ("+864001001380", NumberKind.SERVICE_400),
        ("+868001001380", NumberKind.SERVICE_400),
        ("+8695500", NumberKind.SERVICE_95),
        ("+8675520000001", NumberKind.LANDLINE),
        ("+861062000001", NumberKind.LANDLINE),
    ],
)
def test_patterns_are_tried_in_the_documented_order(number: str, expected: NumberKind) -> None:
    """numbers.md §1: a 400 number would match the landline pattern too."""
    assert kind(number) is expected


@pytest.mark.parametrize("text", ["13800138001", "+8612345678901", "+86١٣٨٠٠١٣٨٠٠١", "+8613800138001\n", ""])
def test_only_the_exact_form_is_global(text: str) -> None:
    assert not is_global(text)
    with pytest.raises(InvalidNumber):
        kind(text)


def test_area_codes_name_their_province() -> None:
    """numbers.md §2, C-014."""
    assert AREA_PROVINCES["0755"] == "Guangdong"
    assert AREA_PROVINCES["010"] == "Beijing"
    assert len(set(AREA_PROVINCES.values())) == 31
    assert all(code.startswith("0") and len(code) in {3, 4} for code in AREA_PROVINCES)
