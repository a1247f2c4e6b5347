"""The objects of the standard as JSON schemas, from our own table of fields, and the filters that may be asked of them.

Objects are closed: nothing but these fields, free `metadata` apart. `fields` may leave out any field of an object itself, so none of
those is required; what stands in references, roles and other parts is.
"""

from typing import Any

from homeroom.oneroster.endpoints import SINGLE
from homeroom.oneroster.fields import FIELDS, PARTS, REFERENCE, TOP, Field
from homeroom.oneroster.words import OWN, is_open, words

Json = dict[str, Any]


def objects(version: str) -> Json:
    """A schema for each kind of object, under the word of one of it, and for each part that they have."""
    parts = {name: _part(name, fields, version) for name, fields in PARTS[version].items()}
    kinds = {SINGLE[kind]: _object(kind, fields, version) for kind, fields in FIELDS[version].items()}
    return {**parts, **kinds}


def names_of(kind: str, version: str) -> list[str]:
    """The fields of a kind that may be selected, and sorted by."""
    return sorted(TOP[version][kind])


def filter_pattern(kind: str, version: str) -> str:
    """The filters that may be asked of a kind, as a regular expression; a blank one is none. The server reads careless ones too."""
    names = "|".join(sorted(_comparable(kind, version)))
    clause = rf"({names}|metadata\.[A-Za-z]+)(=|!=|>|>=|<|<=|~)'([^'\x00]|'')*'"
    time = r"dateLastModified(=|!=|>|>=|<|<=)'20[0-9]{2}-0[1-9]-[0-2][1-8]T[01][0-9]:[0-5][0-9]:[0-5][0-9](\.[0-9]{3})?Z'"
    one = f"({clause}|{time})"
    return f"^({one}( (AND|OR) {one})?)?$"


def _comparable(kind: str, version: str) -> set[str]:
    """The dotted names that lead to a value; dateLastModified apart, which is compared with times alone."""
    found: set[str] = set()
    for field in FIELDS[version][kind].values():
        if field.holds in PARTS[version]:
            found |= {
                rf"{field.name}\.{name}"
                for part in PARTS[version][field.holds].values()
                for name in _names(part)
            }
        else:
            found |= set(_names(field))
    return found - {"dateLastModified"}


def _names(field: Field) -> list[str]:
    if field.target:
        return [field.name, *(rf"{field.name}\.{name}" for name in REFERENCE)]
    return [] if field.holds == "free" else [field.name]


def _object(kind: str, fields: dict[str, Field], version: str) -> Json:
    always = ", ".join(field.name for field in fields.values() if field.always)
    return {
        "type": "object",
        "description": f"Always there, unless `fields` leaves them out: {always}.",
        "properties": {name: _schema(kind, field, version) for name, field in fields.items()},
        "additionalProperties": False,
    }


def _part(name: str, fields: dict[str, Field], version: str) -> Json:
    return {
        "type": "object",
        "required": [field.name for field in fields.values() if field.always],
        "properties": {part: _schema(name, field, version) for part, field in fields.items()},
        "additionalProperties": False,
    }


def _schema(table: str, field: Field, version: str) -> Json:
    one = _one(table, field, version)
    return {"type": "array", "items": one} if field.several else one


def _one(table: str, field: Field, version: str) -> Json:
    if field.holds in PARTS[version]:
        return {"$ref": f"#/components/schemas/{field.holds}"}
    if field.target:
        return _reference(field.target)
    if field.holds == "word":
        return _word(table, field.name, version)
    return _PLAIN[field.holds]


_PLAIN: dict[str, Json] = {
    "text": {"type": "string"},
    "day": {"type": "string", "format": "date"},
    "time": {"type": "string", "format": "date-time"},
    "flag": {"type": "string", "enum": ["true", "false"]},
    "free": {"type": "object", "additionalProperties": True},
}


def _reference(target: str) -> Json:
    return {
        "type": "object",
        "required": list(REFERENCE),
        "properties": {
            "href": {"type": "string", "format": "uri"},
            "sourcedId": {"type": "string"},
            "type": {"type": "string", "enum": [target]},
        },
        "additionalProperties": False,
    }


def _word(table: str, name: str, version: str) -> Json:
    """A vocabulary. In 1.2 most may be extended by words that begin with `ext:`."""
    known: Json = {"type": "string", "enum": list(words(version, table, name))}
    return (
        {"anyOf": [known, {"type": "string", "pattern": f"^{OWN}$"}]}
        if is_open(version, table, name)
        else known
    )
