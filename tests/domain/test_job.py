"""Jobs: one life, one end, whoever writes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from domain.job import FILES_EACH, FINAL, STEPS_EACH, Job, Kind
from tests.scenario import NOW, SOMEBODY, Scenario, Step, given, refused

LATE = NOW + timedelta(hours=1)


def asked(kind: Kind = "FIRMWARE", **facts: Any) -> Scenario[Job]:
    return given(
        Job("job/1"),
        lambda job: job.request(SOMEBODY, NOW, station_id="S", kind=kind, requested_by="anna", deadline=LATE, **facts),
    )


def reports(status: str, heard: int = 5) -> Step[Job]:
    return lambda job: job.report(status, heard, None, SOMEBODY, NOW)


def receives(job: Job) -> None:
    job.receive("f", "a.log", 3, "ab", SOMEBODY, NOW)


@pytest.mark.parametrize("status", FINAL)
def test_a_last_word_of_the_station_ends_it(status: str) -> None:
    ended = asked().when(reports(status)).then(Job.Progressed, Job.Ended)
    ended.showing(outcome=FINAL[status])
    ended.when(reports("Downloading", 6)).then_nothing()


@pytest.mark.parametrize("status", ["Downloading", "InstallScheduled", "InstallRebooting", "Uploading"])
def test_any_other_word_is_a_step(status: str) -> None:
    asked().when(reports(status)).then(Job.Progressed).showing(status=status, heard=5)


def test_idle_says_nothing_about_a_job() -> None:
    asked().when(reports("Idle")).then_nothing()


def test_a_report_read_twice_counts_once() -> None:
    job = asked().when(reports("Downloading"))
    job.when(reports("Downloading")).then_nothing()
    job.when(reports("Downloaded", 4)).then_nothing()
    job.when(reports("Downloading", 6)).then(Job.Progressed)


def test_it_is_sent_and_accepted_once() -> None:
    job = asked().when(lambda j: j.send(7, 1, SOMEBODY, NOW)).then(Job.Sent).showing(request_id=7)
    job.when(lambda j: j.send(8, 2, SOMEBODY, NOW)).then_nothing()
    job.when(lambda j: j.accept("d.zip", 3, SOMEBODY, NOW)).then(Job.Accepted).showing(file_name="d.zip")
    job.when(lambda j: j.accept("d.zip", 4, SOMEBODY, NOW)).then_nothing()


def test_it_is_asked_for_once() -> None:
    refused(asked().aggregate, lambda job: job.request(SOMEBODY, NOW), "already")


def test_an_upload_that_never_arrived_has_failed() -> None:
    mine = asked("LOG", token_hash="x").when(reports("Uploaded"))
    mine.showing(outcome="UPLOAD_FAILED")
    asked("LOG", location="sftp://elsewhere").when(reports("Uploaded")).showing(outcome="UPLOADED")
    asked("LOG", token_hash="x").when(receives).when(reports("Uploaded")).showing(outcome="UPLOADED")


def test_it_expires_at_its_deadline_and_not_before() -> None:
    job = asked()
    job.when(lambda j: j.expire(SOMEBODY, LATE - timedelta(seconds=1))).then_nothing()
    job.when(lambda j: j.expire(SOMEBODY, LATE)).then(Job.Ended).showing(outcome="EXPIRED")
    job.when(lambda j: j.expire(SOMEBODY, LATE)).then_nothing()


def test_an_upload_that_arrived_is_good_even_if_the_station_never_says_so() -> None:
    arrived = asked("DIAGNOSTICS", token_hash="x").when(receives)
    arrived.when(lambda j: j.expire(SOMEBODY, LATE)).showing(outcome="UPLOADED")


def test_its_address_is_good_until_it_is_over() -> None:
    job = asked("LOG").aggregate
    refused(job, lambda j: j.serving(LATE), "job is over")
    job.end("FAILED", "broken", SOMEBODY, NOW)
    refused(job, receives, "job is over")
    refused(job, lambda j: j.begin_download(0, SOMEBODY, NOW), "job is over")


def test_a_station_that_tries_again_and_again_fills_no_disk() -> None:
    job = asked("LOG").aggregate
    for _ in range(FILES_EACH):
        receives(job)
    refused(job, receives, f"{FILES_EACH} files")


def test_a_file_taken_in_pieces_is_one_download() -> None:
    def begins(at: int) -> Step[Job]:
        return lambda job: job.begin_download(at, SOMEBODY, NOW)

    job = asked().when(begins(0)).then(Job.DownloadBegan)
    job.when(begins(500)).then_nothing()
    job.when(begins(0)).then(Job.DownloadBegan)
    job.when(lambda j: j.end_download(700, False, SOMEBODY, NOW)).then(Job.DownloadEnded).showing(next_byte=700)
    job.when(lambda j: j.end_download(1000, True, SOMEBODY, NOW)).then(Job.DownloadEnded)
    job.when(begins(10)).then(Job.DownloadBegan)


def test_a_station_that_talks_without_end_is_still_heard_at_the_end() -> None:
    job = asked().aggregate
    for heard in range(1, 2 * STEPS_EACH):
        job.report("Downloading", heard, None, SOMEBODY, NOW)
        job.end_download(heard, False, SOMEBODY, NOW)
    assert job.version == STEPS_EACH
    Scenario(job).when(reports("Installed", 9_999)).showing(outcome="INSTALLED")


def test_what_we_do_ourselves_goes_in_steps() -> None:
    pushed = asked("LOCAL_LIST").when(lambda job: job.progress("1 of 4", 25.0, SOMEBODY, NOW))
    pushed.then(Job.Progressed).showing(percent=25.0)
    pushed.when(lambda job: job.end("SYNCHRONISED", None, SOMEBODY, NOW)).showing(outcome="SYNCHRONISED")
    pushed.when(lambda job: job.progress("2 of 4", 50.0, SOMEBODY, NOW)).then_nothing()
    pushed.when(lambda job: job.refuse_upload("full", SOMEBODY, NOW)).then_nothing()
