"""The discovery document: our own OpenAPI of what this server answers, where its tokens come from, and under which scopes.

Made from the tables that the server itself stands on, so that it cannot say anything else than the server does. Both file names
that the standard's documents give are answered, without a token; under the 1.1 base the same of 1.1, which has no discovery of its own.
Source: OneRoster 1.2 service discovery; OpenAPI 3.0.3.
"""

import msgspec

from homeroom.oneroster.endpoints import (
    BASE_PATHS,
    ENDPOINTS,
    SCOPE_PREFIX,
    SCOPES_FOR,
    SINGLE,
    V1P1,
    V1P2,
    Endpoint,
)
from homeroom.oneroster.paging import DEFAULT_LIMIT, MOST
from homeroom.sis.oneroster_api.collections import LARGEST_LIMIT
from homeroom.sis.oneroster_api.objects import Json, filter_pattern, names_of, objects
from homeroom.sis.wire import Answer

_ROSTERING = ("onerosterv1p2rostersservice_openapi3_v1p0.json", "imsorv1p2_rostering_openapi3_v1p0.json")
NAMES = {V1P2: _ROSTERING, V1P1: (*_ROSTERING, *(name.replace("v1p2", "v1p1") for name in _ROSTERING))}
_ERRORS = {
    "400": "The request is not understood: a name that is no field, a filter that is none, a limit or offset out of range",
    "401": "No valid token, or none any more",
    "403": "The token lacks the scope of this operation",
    "404": "There is no such object",
    "405": "This server is read-only",
    "414": "The query is too long",
    "429": "Too many requests; ask again later",
    "500": "The server failed",
}


def is_discovery(below: str, version: str) -> bool:
    """Whether a path below the base of a version asks for the document."""
    return below.strip("/") in {f"discovery/{name}" for name in NAMES[version]}


def discovery(root: str, version: str) -> Answer:
    """The document of a version, for a server known as `root`."""
    return Answer(200, msgspec.json.encode(document(root, version)), {"X-Total-Count": "1"})


def document(root: str, version: str) -> Json:
    """The OpenAPI 3 document of a version, for a server known as `root`."""
    schemas = {**objects(version), **_bodies(version), "statusInfo": _STATUS[version]}
    return {
        "openapi": "3.0.3",
        "info": {
            "title": f"OneRoster {version} Rostering Service",
            "version": version,
            "description": "The rostering operations of OneRoster, all of them reading, answered by Homeroom.",
        },
        "servers": [{"url": root + BASE_PATHS[version]}],
        "tags": [{"name": kind} for kind in SINGLE],
        "paths": {endpoint.path: {"get": _operation(endpoint, version)} for endpoint in ENDPOINTS},
        "components": {
            "schemas": schemas,
            "headers": _HEADERS,
            "responses": {code: _error(said) for code, said in _ERRORS.items()},
            "securitySchemes": {
                "OAuth2CC": {"type": "oauth2", "flows": {"clientCredentials": _flow(root, version)}}
            },
        },
    }


def _flow(root: str, version: str) -> Json:
    scopes = {
        "roster.readonly": "every rostering operation but demographics",
        "roster-core.readonly": "the collections and single objects, but not the lists by parent, nor demographics",
        "roster-demographics.readonly": "demographics, and nothing else",
    }
    return {
        "tokenUrl": f"{root}/oauth/token",
        "scopes": {SCOPE_PREFIX[version] + name: said for name, said in scopes.items()},
    }


def _operation(endpoint: Endpoint, version: str) -> Json:
    ids = [part[1:-1] for part in endpoint.path.split("/") if part.startswith("{")]
    asked = [_fields(endpoint, version)] if endpoint.single else _queries(endpoint, version)
    errors = [code for code in _ERRORS if code != "404" or endpoint.single]
    return {
        "operationId": endpoint.operation,
        "tags": [endpoint.kind],
        "summary": f"One {endpoint.key}" if endpoint.single else f"A page of {endpoint.key}",
        "parameters": [*(_parameter(name, "path", _ID) for name in ids), *asked],
        "responses": {
            "200": _found(endpoint),
            **{code: {"$ref": f"#/components/responses/{code}"} for code in errors},
        },
        "security": [{"OAuth2CC": [SCOPE_PREFIX[version] + name]} for name in SCOPES_FOR[endpoint.scope]],
    }


def _found(endpoint: Endpoint) -> Json:
    name = f"one_{endpoint.key}" if endpoint.single else f"page_of_{endpoint.key}"
    names = ("X-Total-Count", "X-Perm-Rev", "ETag") if endpoint.single else tuple(_HEADERS)
    return {
        "description": "Found",
        "headers": {header: {"$ref": f"#/components/headers/{header}"} for header in names},
        "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}},
    }


def _bodies(version: str) -> Json:
    """What stands around one object and around a page of them."""
    bodies: Json = {}
    for kind, word in SINGLE.items():
        item: Json = {"$ref": f"#/components/schemas/{word}"}
        bodies[f"one_{word}"] = _body(word, item, version)
        bodies[f"page_of_{kind}"] = _body(kind, {"type": "array", "items": item}, version)
    return bodies


def _body(key: str, held: Json, version: str) -> Json:
    properties = {key: held}
    if version == V1P1:  # warnings ride beside the data
        properties["statusInfoSet"] = _STATUS[V1P1]["properties"]["statusInfoSet"]
    return {"type": "object", "required": [key], "properties": properties, "additionalProperties": False}


def _queries(endpoint: Endpoint, version: str) -> list[Json]:
    limit = {"type": "integer", "minimum": 1, "maximum": MOST, "default": DEFAULT_LIMIT}
    said = f"How many records a page has at most. Above {LARGEST_LIMIT} it counts as {LARGEST_LIMIT}, which `Link` says."
    sort = {"pattern": _NO_NUL} if version == V1P1 else {"enum": ["", *names_of(endpoint.kind, version)]}
    return [
        _parameter("limit", "query", limit, said),
        _parameter("offset", "query", {"type": "integer", "minimum": 0, "maximum": MOST, "default": 0}),
        _parameter("sort", "query", {"type": "string", **sort}, "Ties are broken by sourcedId."),
        _parameter("orderBy", "query", {"type": "string", "enum": ["asc", "desc"]}),
        _parameter("filter", "query", {"type": "string", "pattern": filter_pattern(endpoint.kind, version)}),
        _fields(endpoint, version),
    ]


def _fields(endpoint: Endpoint, version: str) -> Json:
    """1.1 answers a name that is no field with all fields and a warning, so there any word is allowed."""
    names = names_of(endpoint.kind, version)
    item = {"type": "string", "pattern": _A_WORD} if version == V1P1 else {"type": "string", "enum": names}
    schema = {"type": "array", "minItems": 1, "items": item}
    said = f"The fields wanted: {', '.join(names)}"
    return {**_parameter("fields", "query", schema, said), "style": "form", "explode": False}


_A_WORD = r"^[^\x00,]*[^\x00,\s][^\x00,]*$"
_NO_NUL = r"^[^\x00]*$"
_ID: Json = {"type": "string", "minLength": 1, "pattern": _NO_NUL}


def _parameter(name: str, where: str, schema: Json, said: str = "") -> Json:
    described = {"description": said} if said else {}
    return {"name": name, "in": where, "required": where == "path", **described, "schema": schema}


def _error(description: str) -> Json:
    schema = {"$ref": "#/components/schemas/statusInfo"}
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _header(said: str, schema: Json) -> Json:
    return {"description": said, "required": True, "schema": schema}


_HEADERS: Json = {
    "X-Total-Count": _header("How many records the whole answer has, over all pages", {"type": "integer"}),
    "X-Perm-Rev": _header(
        "The revision of the data: pages of one revision fit together", {"type": "integer"}
    ),
    "ETag": _header("Sent back as If-None-Match, it saves an answer that is known", {"type": "string"}),
    "Link": _header("first, prev, next and last page, as absolute addresses", {"type": "string"}),
}
_MAJOR: Json = {"type": "string", "enum": ["success", "processing", "failure", "unsupported"]}
_SEVERITY: Json = {"type": "string", "enum": ["status", "warning", "error"]}
_TEXT: Json = {"type": "string"}
_MINOR: Json = {
    "type": "object",
    "required": ["imsx_codeMinorField"],
    "properties": {
        "imsx_codeMinorField": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["imsx_codeMinorFieldName", "imsx_codeMinorFieldValue"],
                "properties": {"imsx_codeMinorFieldName": _TEXT, "imsx_codeMinorFieldValue": _TEXT},
            },
        }
    },
}


def _status(minor: str, schema: Json) -> Json:
    names = {"imsx_codeMajor": _MAJOR, "imsx_severity": _SEVERITY, "imsx_description": _TEXT, minor: schema}
    return {"type": "object", "required": ["imsx_codeMajor", "imsx_severity"], "properties": names}


_STATUS: dict[str, Json] = {
    V1P2: _status("imsx_CodeMinor", _MINOR),
    V1P1: {
        "type": "object",
        "required": ["statusInfoSet"],
        "properties": {"statusInfoSet": {"type": "array", "items": _status("imsx_codeMinor", _TEXT)}},
    },
}
