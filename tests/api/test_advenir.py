"""Advenir on a terminal, and its settings: wrong ones are refused in words before anything starts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from api.advenir import check_file
from api.funding import lines_of
from api.settings import Settings

GOLDEN = Path(__file__).parents[1] / "golden" / "advenir"
GOOD = {
    "advenir_url": "https://test.advenir.mobi/api/operation/put",
    "advenir_user_id": "7a0c0f4e-1111-4222-8333-944445555666",
    "advenir_login": "operator@example.org",
    "advenir_password": "s3cret",
}


def test_the_dirty_load_curves_are_told_line_by_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert not check_file(Settings(), GOLDEN / "load-curves-site1.json", as_json=False)
    *lines, last = capsys.readouterr().out.splitlines()
    assert len(lines) == 432
    falls = "rising: 02aa21 601201: the index falls timestamp=1525705097 value=267 before=14326"
    assert falls in lines
    assert last == "113 charges, 432 defects (420 mended), 0 could be sent"


def test_the_dirty_log_is_told_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert not check_file(Settings(), GOLDEN / "ocpp15-log-site1-02e8fa.txt", as_json=True)
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["rule"] for each in found] == ["ended", "charged", "ended", "charged"]


def test_a_clean_file_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = {"StartTransaction": 1, "StopTransaction": 2, "StartValue": 0, "StopValue": 3}
    file = tmp_path / "clean.json"
    file.write_text(json.dumps({GOOD["advenir_user_id"]: {"FR*XYZ*E1": {"1": told}}}))
    assert check_file(Settings(), file, as_json=False)
    assert capsys.readouterr().out == "1 charges, 0 defects (0 mended), 1 could be sent\n"


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    file = tmp_path / "other.json"
    file.write_text("[1]")
    with pytest.raises(ValueError, match=r"other\.json: this is no body for Advenir"):
        check_file(Settings(), file, as_json=False)


def test_good_settings_are_taken_and_the_password_is_a_secret() -> None:
    assert "s3cret" in Settings.load(**GOOD).secrets


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"advenir_url": "http://mon.advenir.mobi/put"}, "BORNIER_ADVENIR_URL"),
        ({"advenir_url": "https://me:pw@mon.advenir.mobi/put"}, "BORNIER_ADVENIR_URL"),
        ({"advenir_user_id": "AAAAA"}, "BORNIER_ADVENIR_USER_ID"),
        ({"advenir_password": ""}, "BORNIER_ADVENIR_PASSWORD"),
        ({"advenir_verb": "GET"}, "BORNIER_ADVENIR_VERB"),
        ({"advenir_mode": "both"}, "BORNIER_ADVENIR_MODE"),
        ({"advenir_index": "odd"}, "BORNIER_ADVENIR_INDEX"),
        ({"advenir_batch": 0}, "BORNIER_ADVENIR_BATCH"),
        ({"advenir_delay_s": -1}, "BORNIER_ADVENIR_DELAY_S"),
    ],
)
def test_settings_that_cannot_work_are_refused(wrong: dict[str, object], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        Settings.load(**GOOD | wrong)


@pytest.mark.parametrize("text", ["", "a,b", "station,evse,identifier\n", "station;evse;since\n1;2;3", 'a,"b\nc'])
def test_a_file_of_points_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        lines_of(text)


def test_lines_of_points_that_cannot_be_read_are_told_by_their_number() -> None:
    header = "\ufeffstation,evse,identifier,since,rated_power_w"
    rows = [
        "A,1,X,2026-01-01,",
        "A,1",
        "A,1,X,soon,",
        "A,²,X,2026-01-01,",
        "",
        "A,1,X,2026-01-01,much",
        ",1,,2026-01-01,",
    ]
    lines, wrong = lines_of("\r\n".join([header, *rows]))
    assert [number for number, *_ in lines] == [2, 8]
    assert [number for number, _ in wrong] == [3, 4, 5, 7]
