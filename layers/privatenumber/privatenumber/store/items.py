"""Python values to DynamoDB attribute values and back.

Numbers are Decimal or int going in and Decimal coming out; binary is bytes both ways; float is refused,
because money and counters are exact here.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, SupportsBytes, cast

from boto3.dynamodb.types import Binary, TypeDeserializer, TypeSerializer

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

_SERIALIZER: Final = TypeSerializer()
_DESERIALIZER: Final = TypeDeserializer()


def encode(values: Mapping[str, Any]) -> "dict[str, AttributeValueTypeDef]":
    """Encode an item, a key or expression values; a top-level None is left out, so indexes stay sparse.

    Raises TypeError for float and other types DynamoDB has no exact form for.
    """
    return {name: _SERIALIZER.serialize(value) for name, value in values.items() if value is not None}


def decode(item: "Mapping[str, AttributeValueTypeDef]") -> dict[str, Any]:
    """Decode an item as read: S str, N Decimal, B bytes, M dict, L list, sets as sets."""
    return {name: _plain(_DESERIALIZER.deserialize(value)) for name, value in item.items()}


def _plain(value: Any) -> Any:
    """Unwrap boto3's Binary, at any depth, into bytes."""
    if isinstance(value, Binary):
        return bytes(cast("SupportsBytes", value))
    if isinstance(value, dict):
        return {name: _plain(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_plain(member) for member in value]
    if isinstance(value, set):
        return {_plain(member) for member in value}
    return value
