"""What a record of the SIS said when it was last carried out, read again from the bytes that were kept."""

from homeroom.campus.connections.models import SourceRecord
from homeroom.campus.connections.source import open_source
from homeroom.sync.reading import Slice
from homeroom.sync.roster import SourcePerson


def said_by(record: SourceRecord) -> SourcePerson | None:
    """The person of a record; None where its bytes were not kept or say nothing. Nothing is asked of the SIS."""
    if record.raw is None:
        return None
    person, _ = open_source(record.connection).parse(Slice("users", record.sourced_id, bytes(record.raw)))
    return person if person is not None and person.has_name else None
