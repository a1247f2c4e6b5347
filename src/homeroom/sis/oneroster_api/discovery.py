"""The discovery document: our own OpenAPI of what this server answers, where its tokens come from, and under which scopes.

Made from the table of endpoints and the table of fields, so that it cannot say anything else than the server does.
Source: OneRoster 1.2 service discovery; both file names that the standard's documents give are answered, without a token.
"""

from typing import Any

import msgspec

from homeroom.oneroster.endpoints import BASE_PATHS, ENDPOINTS, SCOPE_PREFIX, SCOPES_FOR, V1P1, Endpoint
from homeroom.oneroster.fields import LISTS, TOP
from homeroom.oneroster.paging import DEFAULT_LIMIT
from homeroom.sis.oneroster_api.collections import LARGEST_LIMIT
from homeroom.sis.wire import Answer

NAMES = ("onerosterv1p2rostersservice_openapi3_v1p0.json", "imsorv1p2_rostering_openapi3_v1p0.json")
Json = dict[str, Any]
_ERRORS = {
    "400": "The request is not understood",
    "401": "No valid token",
    "403": "The token lacks the scope",
    "404": "No such object",
}


def discovery(below: str, root: str, version: str) -> Answer | None:
    """The document, when a path below the base asks for it by either name."""
    if below.strip("/") not in {f"discovery/{name}" for name in NAMES}:
        return None
    return Answer(200, msgspec.json.encode(document(root, version)))


def document(root: str, version: str) -> Json:
    """The OpenAPI 3 document of a version, for a server known as `root`."""
    kinds = sorted({endpoint.kind for endpoint in ENDPOINTS})
    return {
        "openapi": "3.0.3",
        "info": {
            "title": "OneRoster Rostering Service",
            "version": version,
            "description": "Read-only, by Homeroom",
        },
        "servers": [{"url": root + BASE_PATHS[version]}],
        "paths": {endpoint.path: {"get": _operation(endpoint, version)} for endpoint in ENDPOINTS},
        "components": {
            "schemas": {kind: _schema(kind, version) for kind in kinds} | {"error": {"type": "object"}},
            "securitySchemes": {
                "OAuth2CC": {"type": "oauth2", "flows": {"clientCredentials": _flow(root, version)}}
            },
        },
    }


def _flow(root: str, version: str) -> Json:
    names = sorted({name for scopes in SCOPES_FOR.values() for name in scopes})
    return {
        "tokenUrl": f"{root}/oauth/token",
        "scopes": {SCOPE_PREFIX[version] + name: name for name in names},
    }


def _operation(endpoint: Endpoint, version: str) -> Json:
    ids = [part[1:-1] for part in endpoint.path.split("/") if part.startswith("{")]
    parameters = [_parameter(name, "path", {"type": "string", "minLength": 1}) for name in ids]
    parameters += [_parameter("fields", "query", {"type": "string"})] if endpoint.single else _queries()
    item: Json = {"$ref": f"#/components/schemas/{endpoint.kind}"}
    held = item if endpoint.single else {"type": "array", "items": item}
    properties: Json = {endpoint.key: held}
    if version == V1P1:
        properties["statusInfoSet"] = {"type": "array", "items": {"type": "object"}}
    body: Json = {"type": "object", "required": [endpoint.key], "properties": properties}
    good: Json = {"description": "Found", "content": {"application/json": {"schema": body}}}
    if not endpoint.single:
        good["headers"] = {
            "X-Total-Count": {"schema": {"type": "integer"}},
            "Link": {"schema": {"type": "string"}},
        }
    return {
        "operationId": endpoint.operation,
        "parameters": parameters,
        "responses": {"200": good, **{code: _error(said) for code, said in _ERRORS.items()}},
        "security": [{"OAuth2CC": [SCOPE_PREFIX[version] + name]} for name in SCOPES_FOR[endpoint.scope]],
    }


def _queries() -> list[Json]:
    return [
        _parameter(
            "limit",
            "query",
            {"type": "integer", "minimum": 1, "default": DEFAULT_LIMIT, "x-largest": LARGEST_LIMIT},
        ),
        _parameter("offset", "query", {"type": "integer", "minimum": 0, "default": 0}),
        _parameter("sort", "query", {"type": "string"}),
        _parameter("orderBy", "query", {"type": "string", "enum": ["asc", "desc"]}),
        _parameter("filter", "query", {"type": "string"}),
        _parameter("fields", "query", {"type": "string"}),
    ]


def _parameter(name: str, where: str, schema: Json) -> Json:
    return {"name": name, "in": where, "required": where == "path", "schema": schema}


def _error(description: str) -> Json:
    return {
        "description": description,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/error"}}},
    }


def _schema(kind: str, version: str) -> Json:
    fields = {
        name: ({"type": "array", "items": {}} if name in LISTS else {}) for name in sorted(TOP[version][kind])
    }
    return {"type": "object", "properties": fields}
