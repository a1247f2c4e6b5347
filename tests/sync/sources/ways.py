"""One invented district, and every way in which Homeroom can be given it: each must tell the same."""

import json
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from msgspec.structs import replace as but

from homeroom.oneroster import records as r
from homeroom.oneroster import v1p1, v1p2
from homeroom.oneroster.bulk.write import write_set
from homeroom.oneroster.endpoints import BASE_PATHS, V1P1, V1P2
from homeroom.oneroster.exchange import Exchange
from homeroom.oneroster.profile import Profile
from homeroom.oneroster.shapes import KINDS
from homeroom.sync.reading import Source
from homeroom.sync.sources.csv_set import CsvSource
from homeroom.sync.sources.places import Folder, Patience
from homeroom.sync.sources.rest import RestSettings, RestSource
from homeroom.sync.sources.sftp import Sftp, SftpSettings
from tests.sftp import sftp_site
from tests.wire.misbehaving import Answer, Asked, page, server

LINCOLN, OAKWOOD = "org-lincoln", "org-oakwood"
AT_ONCE = Patience(settled=0)
WRITE = {V1P1: v1p1.write, V1P2: v1p2.write}


@dataclass(frozen=True)
class District:
    """What a SIS has. `cut` = it breaks off within its list of users; `bend` changes a user's JSON or row. `born` are birth
    dates by sourcedId, None = it has no demographics at all."""

    orgs: tuple[r.Org, ...]
    users: tuple[r.User, ...]
    cut: bool = False
    without_id: str = ""  # of the user whose sourcedId is not sent
    born: Mapping[str, str] | None = None

    def tell(self, kind: str) -> list[r.Record]:
        known: dict[str, Sequence[r.Record]] = {
            "orgs": self.orgs,
            "users": self.users,
            "demographics": _demographics(self),
        }
        told = known[kind] if kind in known else _classes(self)
        return [record for record in told if KINDS[type(record)] == kind]


def role(word: str, *orgs: str) -> tuple[r.Role, ...]:
    return tuple(r.Role(role=word, org=org) for org in orgs or (LINCOLN,))


def user(id_: str, roles: tuple[r.Role, ...], **more: Any) -> r.User:
    said = {
        "given_name": "Ana",
        "family_name": f"Lopez {id_}",
        "username": id_,
        "email": f"{id_}@lincoln.example",
    }
    return r.User(sourced_id=id_, roles=roles, primary_org=roles[0].org, **{**said, **more})


def district() -> District:
    """Two schools; thirty students with their number and grade, a teacher of both, staff, an admin, and two guardians."""
    students = [
        user(f"s{number:02}", role("student"), identifier=f"00{number}", grades=("09",), phone="555-0100")
        for number in range(30)
    ]
    students[0] = but(students[0], agents=("g1", "g2"), middle_name="M.", metadata={"house": "North"})
    students[1] = but(students[1], given_name="José, the “2nd”", family_name='O"Neil', grades=("KG",))
    students[2] = but(
        students[2],
        roles=role("student", OAKWOOD),
        primary_org=OAKWOOD,
        user_ids=(r.UserId(type="LDAP", identifier="x"),),
    )
    others = [
        user("t1", role("teacher", LINCOLN, OAKWOOD)),
        user("a1", role("aide")),
        user("p1", role("administrator")),
        user("g1", role("parent"), agents=("s00",), phone="555-0101"),
        user("g2", role("guardian"), agents=("s00",), email=""),
    ]
    orgs = (
        r.Org(sourced_id="org-district", name="Riverside", type="district"),
        r.Org(
            sourced_id=LINCOLN, name="Lincoln High", type="school", identifier="004", parent="org-district"
        ),
        r.Org(sourced_id=OAKWOOD, name="Oakwood", type="school", identifier="006", parent="org-district"),
    )
    return District(orgs, (*students, *others))


def _demographics(of: District) -> list[r.Record]:
    return [
        r.Demographics(sourced_id=id_, birth_date=day, sex="female") for id_, day in (of.born or {}).items()
    ]


def _classes(of: District) -> list[r.Record]:
    """A class in which everybody who is a student is enrolled: who is cut off is still named there."""
    fall = r.AcademicSession(
        sourced_id="fall",
        title="Fall",
        type="term",
        start_date="2026-08-01",
        end_date="2027-01-01",
        school_year="2027",
    )
    math = r.Course(sourced_id="math", title="Math", org="org-district")
    one = r.Class(sourced_id="math-1", title="Math 1", course="math", school=LINCOLN, terms=("fall",))
    enrolled = [
        r.Enrollment(
            sourced_id=f"e-{one_.sourced_id}",
            user=one_.sourced_id,
            class_="math-1",
            school=LINCOLN,
            role="student",
        )
        for one_ in of.users
        if one_.roles[0].role == "student"
    ]
    return [fall, math, one, *enrolled]


@dataclass(frozen=True)
class Way:
    """One way to be given a district, as a context that opens a source of it. `also` = how else sets of it are changed."""

    name: str
    version: str
    open: Callable[[District, Path], Any]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


def rest(version: str) -> Way:
    @contextmanager
    def opened(of: District, _: Path) -> Iterator[Source]:
        kinds = ("orgs", "users", *(("demographics",) if of.born is not None else ()))
        rows = {kind: [_json(of, WRITE[version](one)) for one in of.tell(kind)] for kind in kinds}

        def answer(asked: Asked, otherwise: Answer) -> Answer:
            for word, said in rows.items():
                if asked.path.endswith(f"/{word}"):
                    whole = page(asked, word, said)
                    half = of.cut and word == "users" and asked.query.get("offset", "0") != "0"
                    return replace(whole, body=whole.body[: len(whole.body) // 2]) if half else whole
            for said in rows.get("demographics", []) if "/demographics/" in asked.path else []:
                if asked.path.endswith(f"/demographics/{said['sourcedId']}"):
                    return Answer(body=json.dumps({"demographics": said}).encode())
            return otherwise

        with server([], answer) as at:
            base = f"{at.address}{BASE_PATHS[version]}"
            profile = Profile(version, base, token_url=f"{at.address}/oauth/token", max_limit=10)
            yield RestSource(RestSettings(base, "key", "secret"), profile, Exchange(sleep=lambda _: None))

    return Way("REST", version, opened)


def _json(of: District, said: dict[str, Any]) -> dict[str, Any]:
    return {**said, "sourcedId": ""} if of.without_id and said["sourcedId"] == of.without_id else said


def files_of(of: District, version: str, path: Path) -> dict[str, bytes]:
    """The files of a bulk set, as our own exporter writes them, then damaged as the district says."""
    write_set(path / "written.zip", version, of.tell)
    with zipfile.ZipFile(path / "written.zip") as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    (path / "written.zip").unlink()
    users = files["users.csv"].split(b"\r\n")
    if of.cut:
        users = users[: len(users) // 2]
    leaving = [one.sourced_id.encode() for one in of.users if one.status == "tobedeleted"]
    users = [_with_status(row) if row.split(b",")[0] in leaving else row for row in users]
    if of.without_id:
        users = [
            row.replace(of.without_id.encode(), b"", 1) if row.startswith(of.without_id.encode()) else row
            for row in users
        ]
    files["users.csv"] = b"\r\n".join(users) + (b"\r\n" if of.cut else b"")
    return files


def _with_status(row: bytes) -> bytes:
    return row.replace(b",,", b",tobedeleted,2026-06-01T00:00:00.000Z", 1)


def zipped(files: dict[str, bytes], path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def lying(files: dict[str, bytes], path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (path / name).write_bytes(content)
    return path


def csv_folder(version: str) -> Way:
    @contextmanager
    def opened(of: District, path: Path) -> Iterator[Source]:
        yield CsvSource(Folder(lying(files_of(of, version, path), path / "set")), patience=AT_ONCE)

    return Way("CSV folder", version, opened)


def csv_zip(version: str) -> Way:
    @contextmanager
    def opened(of: District, path: Path) -> Iterator[Source]:
        (path / "exports").mkdir(exist_ok=True)
        zipped(files_of(of, version, path), path / "exports" / "roster.zip")
        yield CsvSource(Folder(path / "exports"), patience=AT_ONCE)

    return Way("CSV zip", version, opened)


def csv_sftp(version: str) -> Way:
    @contextmanager
    def opened(of: District, path: Path) -> Iterator[Source]:
        lying(files_of(of, version, path), path / "root" / "out")
        with sftp_site(path / "root") as site:
            settings = SftpSettings("127.0.0.1", site.username, "/out", site.port, site.password)
            yield CsvSource(Sftp(settings), patience=AT_ONCE)

    return Way("CSV SFTP", version, opened)


WAYS = [way(version) for way in (rest, csv_folder, csv_zip, csv_sftp) for version in (V1P1, V1P2)]
