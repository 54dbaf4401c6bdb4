from __future__ import annotations

import pytest

from runner.grading.junit import MAX_REPORT_BYTES, NoReport, Outcome, Result, read_report

VITEST = b"""<?xml version="1.0" encoding="UTF-8" ?>
<testsuites name="vitest tests" tests="6" failures="2" errors="1" time="0.06">
    <testsuite name="a.test.ts" tests="4" failures="1" errors="0" skipped="1" time="0.01">
        <testcase classname="a.test.ts" name="d &gt; passes &amp; &lt;ok&gt;" time="0.002">
            <system-out>&lt;!DOCTYPE html&gt; PASSED</system-out>
        </testcase>
        <testcase classname="a.test.ts" name="d &gt; fails" time="0.005">
            <failure message="expected 1
 to be 2" type="AssertionError">AssertionError: expected 1 to be 2</failure>
        </testcase>
        <testcase classname="a.test.ts" name="d &gt; later" time="0"><skipped/></testcase>
    </testsuite>
    <testsuite name="b.test.ts" tests="1" failures="1" errors="0" skipped="0" time="0">
        <testcase classname="b.test.ts" name="b.test.ts" time="0">
            <failure message="Cannot find module" type="Error">Error</failure>
        </testcase>
    </testsuite>
    <testsuite name="vitest unhandled errors" tests="1" failures="0" errors="1" skipped="0">
        <testcase classname="vitest unhandled errors" name="Uncaught Exception: late" time="0">
            <error type="Error">Error: late</error>
        </testcase>
    </testsuite>
</testsuites>
"""


def of(*cases: str) -> bytes:
    return f"<testsuites><testsuite>{''.join(cases)}</testsuite></testsuites>".encode()


PASSED = '<testcase classname="a" name="b"/>'
FAILED = '<testcase classname="a" name="b"><failure message="no"/></testcase>'
SKIPPED = '<testcase classname="a" name="b"><skipped/></testcase>'


def test_a_report_says_what_each_test_did() -> None:
    assert read_report(VITEST) == {
        "a.test.ts::d > passes & <ok>": Result(Outcome.PASSED),
        "a.test.ts::d > fails": Result(Outcome.FAILED, "expected 1 to be 2"),
        "a.test.ts::d > later": Result(Outcome.SKIPPED),
        "b.test.ts::b.test.ts": Result(Outcome.FAILED, "Cannot find module"),
        "vitest unhandled errors::Uncaught Exception: late": Result(Outcome.ERROR, "Error: late"),
    }


@pytest.mark.parametrize(
    ("cases", "outcome"),
    [
        ((PASSED, PASSED), Outcome.PASSED),
        ((PASSED, FAILED), Outcome.FAILED),
        ((FAILED, PASSED), Outcome.FAILED),
        ((SKIPPED, PASSED), Outcome.SKIPPED),
        ((FAILED, SKIPPED), Outcome.FAILED),
    ],
)
def test_of_two_tests_with_one_id_the_worse_counts(
    cases: tuple[str, ...], outcome: Outcome
) -> None:
    assert read_report(of(*cases))["a::b"].outcome is outcome


def test_nested_suites_and_a_single_suite_are_read() -> None:
    nested = f"<testsuites><testsuite><testsuite>{PASSED}</testsuite></testsuite></testsuites>"

    assert read_report(nested.encode()) == {"a::b": Result(Outcome.PASSED)}
    assert read_report(f"<testsuite>{PASSED}</testsuite>".encode()) == read_report(of(PASSED))


def test_a_document_type_inside_a_message_is_only_text() -> None:
    case = (
        '<testcase classname="a" name="b"><failure><![CDATA[<!DOCTYPE html>]]></failure></testcase>'
    )

    assert read_report(of(case))["a::b"] == Result(Outcome.FAILED, "<!DOCTYPE html>")


def test_a_long_message_is_cut() -> None:
    case = f'<testcase classname="a" name="b"><failure message="{"x" * 9999}"/></testcase>'

    assert len(read_report(of(case))["a::b"].message) == 300


BOMB = b"""<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a "ha"><!ENTITY c "&a;&a;&a;&a;&a;">]>
<testsuites><testsuite><testcase classname="a" name="&c;"/></testsuite></testsuites>"""


MANY = 200_000
DEEP = 9_999
BAD = {
    "empty": (b"", "empty"),
    "blank": (b" \n", "empty"),
    "no suites": (b"<testsuites></testsuites>", "names no test"),
    "no cases": (of(), "names no test"),
    "a case without a class": (of('<testcase name="only a name"/>'), "names no test"),
    "cut": (of(PASSED)[:-4], "no JUnit XML"),
    "text": (b"PASSED all of them", "does not begin"),
    "html": (b"<html><testsuites/></html>", "does not begin"),
    "comment first": (b"<!-- hello -->" + of(PASSED), "does not begin"),
    "entities": (BOMB, "does not begin"),
    "entities in UTF-16": (BOMB.decode().encode("utf-16"), "not UTF-8"),
    "a late document type": (of("<!DOCTYPE a>", PASSED), "no JUnit XML"),
    "an unknown entity": (of('<testcase classname="a" name="&lol;"/>'), "no JUnit XML"),
    "other bytes": (of(PASSED).replace(b'"b"', b'"\xff"'), "not UTF-8"),
    "EBCDIC": (b'<?xml version="1.0" encoding="cp037"?>' + of(PASSED), "no JUnit XML"),
    "no encoding": (b'<?xml version="1.0" encoding="no such"?>' + of(PASSED), "no JUnit XML"),
    "never closed": (b"<testsuites>" + b"<testsuite>" * MANY, "no JUnit XML"),
    "too deep": (
        b"<testsuite>" * DEEP + b'<testcase classname="a" name="b"/>' + b"</testsuite>" * DEEP,
        "no JUnit XML",
    ),
    "too large": (of(PASSED) + b" " * MAX_REPORT_BYTES, "larger than 8 MiB"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_plain_report_is_no_report(name: str) -> None:
    report, reason = BAD[name]

    with pytest.raises(NoReport, match=reason):
        read_report(report)
