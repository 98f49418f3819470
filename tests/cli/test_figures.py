from datetime import UTC, datetime, timedelta

import pytest

from asyncsessions.cli.exits import next_step, status_of
from asyncsessions.cli.figures import (
    expected_pages,
    figures,
    file_words,
    plural,
    progress_line,
    remarks,
    shell_words,
    verdict,
)
from asyncsessions.core.report import Report
from asyncsessions.errors import (
    AuthenticationError,
    BudgetExceededError,
    ConfigurationError,
    IncompleteError,
    InvalidQueryError,
    NotFoundError,
    PermissionDeniedError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
    SessionsError,
    SinkError,
    TransportError,
    UnexpectedResponseError,
)

DAY = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expected", "kinds"),
    [
        (1, [NotFoundError, RateLimitError, ServerError, TransportError]),
        (1, [UnexpectedResponseError, SessionsError, RuntimeError]),
        (2, [ConfigurationError, InvalidQueryError, SinkError]),
        (3, [AuthenticationError, PermissionDeniedError]),
        (4, [QuotaExceededError, BudgetExceededError]),
        (5, [IncompleteError]),
    ],
)
def test_each_error_has_its_exit_status(expected, kinds):
    for kind in kinds:
        assert expected == status_of(kind("no")), kind


def test_a_target_that_fails_after_a_request_is_no_wrong_usage():
    error = SinkError("disk full")
    error.report = Report(provider="hum", requests=1)
    assert status_of(error) == 1
    error.report = Report(provider="hum")
    assert status_of(error) == 2


def test_refused_credentials_come_with_where_to_look():
    step = next_step(AuthenticationError("no"), secret="HUM_API_TOKEN", base_url="https://x")
    assert step is not None
    assert "HUM_API_TOKEN" in step
    assert "https://x" in step


def test_before_the_first_answer_nobody_knows_how_many_pages_there_are():
    assert expected_pages(Report(provider="hum"), page_size=50) is None


def test_the_expected_pages_follow_from_the_total():
    report = Report(provider="hum", windows=1, windows_read=1, pages=3, total=2_337)
    assert expected_pages(report, page_size=50) == 47


def test_an_empty_window_is_one_page():
    report = Report(provider="hum", windows=1, windows_read=1, pages=1, total=0)
    assert expected_pages(report, page_size=50) == 1


def test_windows_that_have_not_answered_are_taken_to_be_like_the_others():
    report = Report(provider="hum", windows=6, windows_read=2, pages=2, total=1_000)
    assert expected_pages(report, page_size=50) == 60


def test_a_limit_bounds_the_expected_pages():
    report = Report(provider="hum", windows=1, windows_read=1, pages=1, total=2_337)
    assert expected_pages(report, page_size=50, limit=60) == 2


def test_more_pages_than_expected_raise_the_expectation():
    report = Report(provider="hum", windows=1, windows_read=1, pages=60, total=2_337)
    assert expected_pages(report, page_size=50) == 60


def test_one_is_singular():
    assert (
        plural(1, "row"),
        plural(0, "row"),
        plural(2_337, "row"),
    ) == ("1 row", "0 rows", "2,337 rows")


def test_figures_are_one_line():
    report = Report(provider="hum", rows=2_000, requests=41, retries=1, elapsed_s=2.0)
    assert figures(report) == "2,000 rows in 41 requests (1 retry), 2.0 s, 1,000 rows/s"


def test_figures_without_time_have_no_rate():
    assert figures(Report(provider="hum")) == "0 rows in 0 requests (0 retries), 0.0 s"


def test_a_progress_line_says_of_how_many_pages():
    report = Report(provider="hum", windows=1, windows_read=1, pages=3, total=2_337)
    assert progress_line(report, page_size=50).startswith("hum: page 3 of about 47, 0 rows")


def test_the_verdict_tells_complete_from_unproven_from_cut():
    report = Report(provider="hum", unproven=((DAY, DAY),))
    assert verdict(report) == "not proven complete"
    assert verdict(Report(provider="hum", complete=True)) == "complete"
    assert verdict(Report(provider="hum"), limit=5) == "ended at --limit 5"
    assert verdict(Report(provider="hum")) == "not complete"


def test_a_few_unproven_ranges_are_shown_as_options():
    hours = [DAY + timedelta(hours=n) for n in range(3)]
    ranges = tuple((hour, hour) for hour in hours)
    lines = list(remarks(Report(provider="hum", unproven=ranges, reasons=("it moved",))))
    assert lines[0] == "not proven: it moved"
    assert lines[1] == "  pull again: --start 2026-03-01T00:00:00Z --end 2026-03-01T00:00:00Z"
    assert len(lines) == 4


def test_many_unproven_ranges_are_one_command():
    ranges = tuple((DAY + timedelta(hours=n), DAY + timedelta(hours=n + 1)) for n in range(46))
    lines = list(remarks(Report(provider="hum", unproven=ranges)))
    assert lines == [
        "  46 ranges in all (see --report); one command covers them:",
        "  pull again: --start 2026-03-01T00:00:00Z --end 2026-03-02T22:00:00Z",
    ]


def test_without_a_check_nothing_is_called_complete_and_the_order_is_not_remarked():
    report = Report(provider="hum", complete=True, ordered=False)
    assert verdict(report, consistency="off") == "not checked"
    assert not list(remarks(report, consistency="off"))


def test_the_librarys_fresh_is_the_option_alone():
    for words in ["start over with fresh (--fresh)", "start over with fresh=True"]:
        assert shell_words(SinkError(words)) == "start over with --fresh"


def test_what_is_unusual_is_remarked():
    report = Report(
        provider="hum", warnings=("slow today",), unknown_fields=("a", "b"), ordered=False, late=1
    )
    text = "\n".join(remarks(report))
    for word in ["slow today", "a, b", "order of time", "1 row arrived"]:
        assert word in text


def test_nothing_unusual_is_not_remarked():
    assert not list(remarks(Report(provider="hum", complete=True)))


def test_the_librarys_names_become_options():
    error = BudgetExceededError("max_requests=3 is used up", provider="hum", page=2)
    assert shell_words(error) == "--max-requests 3 is used up [hum, page 2]"
    assert shell_words(ConfigurationError("base_url must be")) == "--base-url must be"


def test_where_settings_stand_in_a_file_the_librarys_names_stay():
    error = BudgetExceededError("max_requests=3 is used up", provider="hum", page=2)
    assert file_words(error) == "max_requests=3 is used up [hum, page 2]"
    assert file_words(SinkError("start over with fresh=True")) == "start over with --fresh"


def test_a_vendors_own_words_are_left_alone():
    error = ServerError("failed", excerpt="base_url")
    assert shell_words(error) == "failed: base_url"
