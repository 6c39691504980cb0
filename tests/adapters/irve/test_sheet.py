"""A file of an operator, line by line."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.irve.sheet import read
from domain.event import Refusal

OFFICIAL = (Path(__file__).parents[2] / "golden/irve/exemple-valide-statique.csv").read_text("utf-8").splitlines()
HEADER, FIRST, SECOND = OFFICIAL


def test_the_official_example_is_read_with_the_columns_that_say_where_a_line_belongs() -> None:
    file = "\r\n".join([f"station_id,evse_id,{HEADER}", f"CP1,2,{FIRST}", f"CP2,,{SECOND}", ""])
    (one, two), faults = read(b"\xef\xbb\xbf" + file.encode())
    assert faults == []
    assert (one.number, one.station_id, one.evse_id, one.site_id) == (2, "CP1", 2, "FRA68P68021001")
    assert (one.details.address, one.details.postal_code, one.details.city) == ("1 avenue de la Paix", "75001", "Paris")
    assert (str(one.premises.longitude), one.premises.connection) == ("7.48710500", "DIRECT")
    assert [outlet.socket for outlet in one.equipment.outlets] == ["EF", "TYPE_2"]
    assert (two.evse_id, two.equipment.evse_uid) == (1, "ESZUNE1111ER7")


def test_semicolons_are_read_too() -> None:
    (line,), _ = read(b"station_id;site;puissance_nominale\nCP1;lyon;7,4\n")
    assert (line.site_id, str(line.equipment.power_kw)) == ("lyon", "7.4")


def test_all_that_is_wrong_with_a_line_is_told() -> None:
    head = "station_id,evse_id,site,puissance_nominale,gratuit,coordonneesXY,implantation_station,date_mise_en_service"
    lines, ((number, reason),) = read(f"{head}\n,0,,lots,perhaps,here,Lune,hier\n".encode())
    assert (lines, number) == ([], 2)
    for column in head.split(","):
        assert f"{column}: " in reason


def test_a_line_longer_than_the_header_is_refused() -> None:
    assert read(b"station_id,site\nCP1,lyon,more\n")[1][0].reason == "it has 3 cells, and the header 2"


def test_a_huge_cell_is_a_fault_of_its_line() -> None:
    file = b'station_id,site\nCP1,"' + b"x" * 90_000 + b'"\nCP2,lyon\n'
    (line,), (fault,) = read(file)
    assert (line.station_id, fault.number, fault.reason) == ("CP2", 2, "site: longer than 2,000 characters")


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (b"station_id,colour\nCP1,red\n", "colour"),
        (b"site\nlyon\n", "station_id"),
        (b"", "station_id"),
        (b"station_id,site\nCP1,\xe9\n", "UTF-8"),
        (b"station_id,site,site\n", "twice"),
    ],
    ids=["unknown column", "no station", "empty", "latin-1", "twice"],
)
def test_what_is_no_such_file_is_refused(file: bytes, words: str) -> None:
    with pytest.raises(Refusal, match=words):
        read(file)
