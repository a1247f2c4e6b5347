"""The discovery document: complete, true, and held against the server itself by Schemathesis, in both versions."""

import json
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as some
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from homeroom.oneroster.endpoints import ENDPOINTS, SCOPE_PREFIX, SINGLE
from homeroom.sis.oneroster_api.discovery import NAMES
from tests.conftest import SisSite
from tests.wire.calls import everything, http, records
from tests.wire.test_client_server import VERSIONS

SPELLINGS = {
    "1.1": ["/ims/oneroster/v1p1"],
    "1.2": ["/ims/oneroster/rostering/v1p2", "/ims/oneroster/v1p2", "/ims/oneroster/v1p2/rostering/v1p2"],
}
CHECKS = (
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.positive_data_acceptance,
)


def description(site: SisSite, version: str) -> Any:
    return json.loads(http.request("GET", f"{site.base(version)}/discovery/{NAMES[version][0]}").data)


@VERSIONS
def test_it_is_found_under_every_name_and_base_without_a_token(sis_site: SisSite, version: str) -> None:
    for base in SPELLINGS[version]:
        for name in NAMES[version]:
            answer = http.request("GET", f"{sis_site.address}{base}/discovery/{name}")
            assert answer.status == 200
            assert answer.headers["Content-Type"].startswith("application/json")
            assert answer.json() == description(sis_site, version)
            assert http.request("HEAD", f"{sis_site.address}{base}/discovery/{name}").status == 200
    assert "onerosterv1p2rostersservice_openapi3_v1p0.json" in NAMES[version]
    assert "imsorv1p2_rostering_openapi3_v1p0.json" in NAMES[version]
    assert http.request("GET", f"{sis_site.base(version)}/discovery/other.json").status == 404
    assert http.request("POST", f"{sis_site.base(version)}/discovery/{NAMES[version][0]}").status == 404


@VERSIONS
def test_it_describes_every_operation_its_scopes_and_where_tokens_are(
    sis_site: SisSite, version: str
) -> None:
    said = description(sis_site, version)
    operations = {path["get"]["operationId"]: path["get"] for path in said["paths"].values()}
    assert set(operations) == {endpoint.operation for endpoint in ENDPOINTS}
    assert len(operations) == 41
    assert said["servers"] == [{"url": sis_site.base(version)}]
    flow = said["components"]["securitySchemes"]["OAuth2CC"]["flows"]["clientCredentials"]
    assert flow["tokenUrl"] == f"{sis_site.address}/oauth/token"
    prefix = SCOPE_PREFIX[version]
    assert set(flow["scopes"]) == {
        prefix + name for name in ("roster.readonly", "roster-core.readonly", "roster-demographics.readonly")
    }
    for endpoint in ENDPOINTS:
        one = operations[endpoint.operation]
        words = {scope for way in one["security"] for scope in way["OAuth2CC"]}
        assert (
            words
            == {
                "core": {prefix + "roster.readonly", prefix + "roster-core.readonly"},
                "full": {prefix + "roster.readonly"},
                "demo": {prefix + "roster-demographics.readonly"},
            }[endpoint.scope]
        )
        names = [parameter["name"] for parameter in one["parameters"] if parameter["in"] == "query"]
        assert names == (
            ["fields"] if endpoint.single else ["limit", "offset", "sort", "orderBy", "filter", "fields"]
        )
        assert {"200", "400", "401", "403", "429", "500"} <= set(one["responses"])
        assert "X-Total-Count" in one["responses"]["200"]["headers"]


@VERSIONS
def test_its_objects_are_closed_and_have_the_standards_fields(sis_site: SisSite, version: str) -> None:
    schemas = description(sis_site, version)["components"]["schemas"]
    for word in SINGLE.values():
        assert schemas[word]["additionalProperties"] is False
        assert {"sourcedId", "status", "dateLastModified", "metadata"} <= set(schemas[word]["properties"])
    user = schemas["user"]["properties"]
    assert ({"role", "orgs"} <= set(user), "roles" in user) == (
        (True, False) if version == "1.1" else (False, True)
    )
    assert user["agents"]["items"]["properties"]["type"] == {"type": "string", "enum": ["user"]}
    kinds = schemas["org"]["properties"]["type"]
    assert ("anyOf" in kinds) == (version == "1.2")


@VERSIONS
def test_it_is_whoevers_address_it_is_asked_at(sis_site: SisSite, version: str) -> None:
    proxied = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "oneroster.example"}
    address = f"{sis_site.base(version)}/discovery/{NAMES[version][0]}"
    said = http.request("GET", address, headers=proxied).json()
    assert said["servers"][0]["url"].startswith("https://oneroster.example/ims/")
    assert http.request("GET", address, headers=proxied).headers["Cache-Control"] == "no-store"


@pytest.mark.slow
@VERSIONS
@pytest.mark.parametrize("district", ["sis_site", "odd_site"])
def test_the_server_answers_as_it_says(request: pytest.FixtureRequest, district: str, version: str) -> None:
    site: SisSite = request.getfixturevalue(district)
    headers = everything(site)
    schema = schemathesis.openapi.from_dict(description(site, version))
    ids = {
        kind: [row["sourcedId"] for row in records(site, version, f"/{kind}", headers, limit="9")]
        for kind in SINGLE
    }
    for operation in (found.ok() for found in schema.get_all_operations()):
        place = {p["name"]: some.sampled_from(ids[KIND_OF[p["name"]] if p["name"] != "id" else kind_of(operation.path)])
                 for p in operation.definition.raw["parameters"] if p["in"] == "path"}  # fmt: skip

        @settings(
            max_examples=6,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],
            database=None,
        )
        @given(operation.as_strategy(), some.fixed_dictionaries(place), some.booleans())
        def answers(case: Any, known: dict[str, str], real: bool) -> None:
            if real and known:
                case.path_parameters = {**case.path_parameters, **known}
            case.call_and_validate(base_url=site.base(version), headers=headers, checks=list(CHECKS))

        answers()


KIND_OF = {"school": "orgs", "class": "classes", "course": "courses", "term": "academicSessions"}
KIND_OF |= {"user": "users", "student": "users", "teacher": "users"}


def kind_of(path: str) -> str:
    return next(endpoint.kind for endpoint in ENDPOINTS if endpoint.path == path)
