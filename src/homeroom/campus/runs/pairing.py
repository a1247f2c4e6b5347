"""Who of those whose ids have vanished is whom of those whose ids nobody knows: pairs by the signs that only one has, as SQL.

A name alone never pairs. Name and birth date together do, where a connection lets birth dates help; beside a number or an
e-mail both bear a pair out, or speak against it. Without its numbers PostgreSQL takes every temporary table for a tiny one,
and compares each with each: hence ANALYZE.
"""

from homeroom.sync.matching import Rule

UNSEEN = (
    "CREATE TEMP TABLE unseen ON COMMIT DROP AS SELECT sourced_id FROM runs_staged WHERE run_id = %(run)s AND absent "
    "UNION SELECT sourced_id FROM runs_unseen WHERE run_id = %(run)s",
    "ANALYZE unseen",
)


def _with_births(people: str) -> str:
    """People with the mark of their birth date, and with name and mark as one sign, empty where either is unknown. What many
    share is no date, but what a SIS says of those of whom it knows none."""
    return (
        "(SELECT *, CASE WHEN birth <> '' AND given <> '' AND family <> '' THEN name || E'\\t' || birth ELSE '' END AS born "
        "FROM (SELECT *, CASE WHEN count(*) OVER (PARTITION BY said_birth) <= greatest(%(most_born)s, %(share_born)s "
        f"* count(nullif(said_birth, '')) OVER ()) THEN said_birth ELSE '' END AS birth FROM ({people}) AS people) AS marked) AS named"
    )


_GONE = _with_births(
    "SELECT person, bearer.number, lower(bearer.email) AS email, "
    "lower(bearer.given_name) || E'\\t' || lower(bearer.family_name) AS name, lower(bearer.given_name) AS given, "
    "lower(bearer.family_name) AS family, vanished.ids, CASE WHEN bearer.id = person THEN vanished.said_birth ELSE '' END AS said_birth, "
    "standing.student, standing.school FROM vanished JOIN standing USING (person) JOIN called USING (person) "
    "JOIN people_person bearer ON bearer.id = called.bearer WHERE standing.school IS NOT NULL"
)
_ARRIVED = _with_births(
    "SELECT staged.sourced_id, number, email, name, split_part(name, E'\\t', 1) AS given, split_part(name, E'\\t', 2) AS family, "
    "student, member, guardian, coalesce(encode(coalesce(staged.birth, record.birth), 'hex'), '') AS said_birth "
    "FROM runs_staged staged LEFT JOIN connections_sourcerecord record "
    "ON record.connection_id = %(source)s AND record.sourced_id = staged.sourced_id WHERE run_id = %(run)s "
    "AND NOT absent AND facts IS NOT NULL AND record.person_id IS NULL AND record.contact_id IS NULL"
)


def _only(sign: str) -> str:
    """That one person alone has a sign, though perhaps twice: their own, and that of somebody merged into them."""
    alike = f"OVER (PARTITION BY {sign}, student)"
    return f"min(person) {alike} = max(person) {alike} AS only_{sign}"


LAY_OUT = (
    # Whoever has no record left that this reading showed, with the signs by which they may be there again.
    "CREATE TEMP TABLE vanished ON COMMIT DROP AS SELECT person_id AS person, array_agg(record.sourced_id ORDER BY record.sourced_id) "
    "AS ids, CASE WHEN count(DISTINCT nullif(record.birth, '')) = 1 THEN max(encode(record.birth, 'hex')) ELSE '' END AS said_birth "
    "FROM connections_sourcerecord record LEFT JOIN unseen ON unseen.sourced_id = record.sourced_id "
    "WHERE record.connection_id = %(source)s AND record.person_id IS NOT NULL AND NOT record.gone "
    "GROUP BY person_id HAVING bool_and(unseen.sourced_id IS NOT NULL)",
    "ANALYZE vanished",
    "CREATE TEMP TABLE standing ON COMMIT DROP AS SELECT m.person_id AS person, bool_or(m.\"group\" = 'students') AS student, "
    "min(m.school_id) FILTER (WHERE m.ended_at IS NULL AND m.managed_by = %(source)s AND m.school_id = ANY(%(schools)s)) AS school "
    "FROM people_membership m JOIN vanished ON vanished.person = m.person_id GROUP BY 1",
    "ANALYZE standing",
    # Whoever was merged into one of them lends them the signs that they had.
    "CREATE TEMP TABLE called ON COMMIT DROP AS WITH RECURSIVE meant AS (SELECT id AS bearer, merged_into_id AS person "
    "FROM people_person WHERE district_id = %(district)s AND merged_into_id IS NOT NULL UNION SELECT bearer, kept.merged_into_id "
    "FROM meant JOIN people_person kept ON kept.id = meant.person WHERE kept.merged_into_id IS NOT NULL) "
    "SELECT person, person AS bearer FROM vanished UNION ALL SELECT person, bearer FROM meant JOIN vanished USING (person)",
    "ANALYZE called",
    f"CREATE TEMP TABLE gone ON COMMIT DROP AS SELECT *, {_only('number')}, {_only('email')}, {_only('born')} FROM {_GONE}",
    # Records of people that mean nobody yet.
    "CREATE TEMP TABLE arrived ON COMMIT DROP AS SELECT *, count(*) OVER (PARTITION BY number, student, member) AS number_times, "
    "count(*) OVER (PARTITION BY email, student, member) AS email_times, count(*) OVER (PARTITION BY born, student, member) AS born_times, "
    f"count(*) OVER (PARTITION BY email, guardian) AS guardian_times FROM {_ARRIVED}",
    "ANALYZE gone, arrived",
    "CREATE TEMP TABLE pair (person bigint, school bigint, before text, after text, number bool, email bool, name bool, "
    "birth bool, other bool) ON COMMIT DROP",
)


_OTHER_BIRTH = "(g.birth <> '' AND a.birth <> '' AND g.birth <> a.birth)"


def _pair(sign: str, unless: str) -> tuple[str, ...]:
    """Pairs by one sign that only one of the vanished has, and no more of the arrived than that person had records."""
    return (
        "INSERT INTO pair SELECT person, school, coalesce(ids[row_number() OVER (PARTITION BY person ORDER BY after)], ''), after, "
        "number, email, name, birth, other FROM (SELECT DISTINCT ON (a.sourced_id) g.person, g.school, g.ids, a.sourced_id AS after, "
        "g.number <> '' AND g.number = a.number AS number, g.email <> '' AND g.email = a.email AS email, g.name = a.name AS name, "
        f"g.birth <> '' AND g.birth = a.birth AS birth, {_OTHER_BIRTH} AS other "
        f"FROM gone g JOIN arrived a ON a.{sign} = g.{sign} AND a.student = g.student AND a.member AND g.{sign} <> '' "
        f"AND g.only_{sign} AND a.{sign}_times <= cardinality(g.ids) "
        f"WHERE NOT ({unless}) AND g.person NOT IN (SELECT person FROM pair) AND a.sourced_id NOT IN (SELECT after FROM pair) "
        "AND a.sourced_id NOT IN (SELECT sourced_id FROM runs_matchreview said WHERE said.connection_id = %(source)s "
        "AND said.sourced_id = a.sourced_id AND said.state = 'different' "
        "AND said.rivals @> jsonb_build_array(jsonb_build_object('person', g.person))) "
        "ORDER BY a.sourced_id, (g.name = a.name) DESC) AS one",
        "ANALYZE pair",
    )


# A sign that nothing else bears out, beside a name that has nothing of the other, may have been dealt out anew.
_STRANGER = "g.given <> a.given AND g.family <> a.family"
# So may one beside another name, when the birth date is another too, or when name and birth date of either are somebody else's.
_NOT_BORN = (
    f"g.name <> a.name AND ({_OTHER_BIRTH} OR (g.born <> '' AND g.born IN (SELECT born FROM arrived)) "
    "OR (a.born <> '' AND a.born IN (SELECT born FROM gone)))"
)
BY = {
    Rule.NUMBER: _pair("number", f"({_STRANGER} AND g.email <> a.email) OR ({_NOT_BORN})"),
    Rule.EMAIL: _pair(
        "email",
        f"(g.number <> '' AND a.number <> '' AND g.number <> a.number AND {_STRANGER}) OR ({_NOT_BORN})",
    ),
}
BY_BIRTH = _pair("born", "false")
# A birth date that is another speaks against a pair as much as one sign speaks for it.
SIGNS = "number::int + email::int + name::int + birth::int - other::int"
WORDS = (
    "array_to_string(ARRAY[CASE WHEN number THEN 'number' END, CASE WHEN email THEN 'e-mail' END, "
    "CASE WHEN name AND birth THEN 'name and birth date' WHEN name THEN 'name' WHEN birth THEN 'birth date' END, "
    "CASE WHEN other THEN 'but another birth date' END], ', ')"
)
