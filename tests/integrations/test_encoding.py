import json

from attrs import evolve, fields
from hypothesis import given, settings
from hypothesis import strategies as st

from asyncsessions import Address, Conversion, Session
from asyncsessions.core import lines
from asyncsessions.core.convert import to_json
from asyncsessions.integrations._fastapi.encoding import encode_page, redacted
from tests.invented_sessions import FIELDS

SESSIONS = st.builds(Session, **FIELDS)


@settings(max_examples=30)
@given(st.lists(SESSIONS, max_size=5))
def test_a_page_has_the_bytes_of_its_sessions_line_by_line(page):
    shown = [evolve(session, raw=None) for session in page]
    assert encode_page(page) == b"".join(to_json(session) + b"\n" for session in shown)


@settings(max_examples=30)
@given(st.lists(SESSIONS, max_size=5))
def test_a_redacted_page_has_the_bytes_of_its_redacted_sessions(page):
    expected = b"".join(to_json(redacted(session)) + b"\n" for session in page)
    assert encode_page(page, redact=True) == expected


@settings(max_examples=30)
@given(SESSIONS)
def test_redacting_removes_address_and_email_and_nothing_else(session):
    shown, whole = json.loads(to_json(redacted(session))), json.loads(to_json(session))
    whole.pop("raw", None)
    whole["address"] = None
    if whole["conversion"] is not None:
        whole["conversion"]["email"] = None
    assert shown == whole


def test_every_field_of_every_record_is_written():
    for cls, line in (
        (Session, "SessionLine"),
        (Address, "AddressLine"),
        (Conversion, "ConversionLine"),
    ):
        names = {each.name for each in fields(cls)} - {"raw", "duration"}
        assert names <= set(getattr(lines, line).__struct_fields__)
