"""A small district by hand in which everything optional is said, and everything odd that a CSV set may hold is there once."""

import csv
from pathlib import Path

START = "sourcedId,status,dateLastModified,"
FLAGS = (
    "americanIndianOrAlaskaNative,asian,blackOrAfricanAmerican,nativeHawaiianOrOtherPacificIslander,white,"
    "demographicRaceTwoOrMoreRaces,hispanicOrLatinoEthnicity"
)
TABLES: dict[str, tuple[str, list[str]]] = {
    "orgs": (
        "name,type,identifier,parentSourcedId,metadata.jp.kana,metadata.note",
        [
            'd,,,"District ""Q"" \\ é",district,0,,かな,x',
            's/1,,,"School, one\'s",school,,d,,',
            "s@2,,,Second,school,002,d,,",
            "net,,,Network,ext:network,N,,,",
            "dep,,,Department,department,DP,s/1,,",
        ],
    ),
    "academicSessions": (
        "title,type,startDate,endDate,parentSourcedId,schoolYear",
        [
            "y,,,2026,schoolYear,2025-08-01,2026-07-01,,2026",
            "t1,,,T1,term,2025-08-01,2026-01-01,y,2026",
            "sem,,,Semester,semester,2025-08-01,2026-01-01,y,2026",
            "gp,,,Period,gradingPeriod,2025-08-01,2025-10-01,t1,2026",
            "camp,,,Camp,ext:summer.camp,2025-08-01,2025-10-01,y,2026",
        ],
    ),
    "courses": (
        "schoolYearSourcedId,title,courseCode,grades,orgSourcedId,subjects,subjectCodes",
        ['m,,,y,Maths,M1,"09,10",s/1,"Maths,Algebra","02,03"', "bare,,,,Bare,,,s/1,,"],
    ),
    "classes": (
        "title,grades,courseSourcedId,classCode,classType,location,schoolSourcedId,termSourcedIds,subjects,subjectCodes,periods",
        [
            'k/1,,,One,09,m,X,scheduled,Room 1,s/1,"t1,sem",Maths,02,"1,2"',
            "k2,,,Two,,bare,,homeroom,,s@2,t1,,,",
            "k3,,,Three,,bare,,ext:club,,s/1,t1,,,",
        ],
    ),
    "users": (
        "enabledUser,username,userIds,givenName,familyName,middleName,identifier,email,sms,phone,agentSourcedIds,grades,password,"
        "userMasterIdentifier,preferredGivenName,preferredMiddleName,preferredFamilyName,primaryOrgSourcedId,pronouns,metadata.custody",
        [
            'u/1,,,true,u1,"{LDAP:x},{State:9}",Zoë,"O\'Hara, ""Z""",M,1,Zoe@x.example,1,2,"g1,g2","09,10",hush,UM,Zo,Mi,Ha,s/1,'
            "they/them,both",
            "g1,,,true,g1,,Gia,Ångström,,,gia@home.example,,,u/1,,,,,,,,,",
            "g2,,,false,g2,,Gus,名前,,,,,,,,,,,,,,,",
            "t1,,,true,t1,,Tea,Cher,,T1,tea@x.example,,,,,,,,,,s/1,,",
            "c1,,,true,c1,,Coun,Selor,,,,,,,,,,,,,,,",
            "x1,,,true,x1,,Ex,Tern,,,,,,,,,,,,,,,",
            "pg,,,true,pg,,Prime,Guard,,,,,,,,,,,,,,,",
            "st,,,true,st,,Sloppy,Staff,,,,,,,,,,,,,,,",
            "ad,,,true,ad,,Ad,Min,,,,,,,,,,,,,,,",
        ],
    ),
    "roles": (
        "userSourcedId,roleType,role,beginDate,endDate,orgSourcedId,userProfileSourcedId",
        [
            "r1,,,u/1,primary,student,2025-08-01,2026-07-01,s/1,",
            "r2,,,g1,primary,guardian,,,s/1,",
            "r3,,,g2,primary,relative,,,s/1,",
            "r4,,,t1,primary,teacher,,,s/1,",
            "r5,,,t1,secondary,teacher,,,s@2,",
            "r6,,,c1,primary,counselor,,,s/1,",
            "r7,,,x1,primary,ext:coach,,,s/1,",
            "r8,,,pg,primary,ext:primaryGuardian,,,s/1,",
            "r9,,,st,primary,Staff,,,s/1,",
            "ra,,,ad,primary,systemAdministrator,,,d,",
        ],
    ),
    "enrollments": (
        "classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,endDate",
        [
            "e1,,,k/1,s/1,u/1,student,,2025-08-01,2026-01-01",
            "e2,,,k/1,s/1,t1,teacher,true,,",
            "e3,,,k/1,s/1,x1,ext:helper,false,,",
            "e4,,,k/1,s/1,st,aide,false,,",
        ],
    ),
    "demographics": (
        f"birthDate,sex,{FLAGS},countryOfBirthCode,stateOfBirthAbbreviation,cityOfBirth,publicSchoolResidenceStatus",
        [
            "u/1,,,2010-01-02,other,true,false,true,false,true,true,false,US,NY,New York,01652",
            "g1,,,,ext:nb,,,,,,,,,,,",
            "t1,,,1980-01-01,male,false,false,,,,,,,,,",
        ],
    ),
}
OTHERS = (
    "categories classResources courseResources lineItems resources results lineItemLearningObjectiveIds lineItemScoreScales "
    "resultLearningObjectiveIds resultScoreScales scoreScales userProfiles userResources"
).split()


def write(folder: Path) -> Path:
    """The district as a CSV set of 1.2."""
    folder.mkdir()
    for name, (head, rows) in TABLES.items():
        (folder / f"{name}.csv").write_text("\n".join([START + head, *rows]) + "\n", encoding="utf-8")
    with (folder / "manifest.csv").open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerows(
            [("propertyName", "value"), ("manifest.version", "1.0"), ("oneroster.version", "1.2")]
        )
        lines.writerows((f"file.{name}", "bulk") for name in TABLES)
        lines.writerows((f"file.{name}", "absent") for name in OTHERS)
    return folder
