"""Every projection there is, by name."""

from __future__ import annotations

from projections import (
    admission,
    badge,
    certificate,
    command,
    der,
    device,
    display,
    file,
    incident,
    job,
    locallist,
    mention,
    monitor,
    orphan,
    pricelist,
    profile,
    quirk,
    refusal,
    report,
    reservation,
    settlement,
    station,
    stream,
    swap,
    trace,
    transaction,
    vendor,
)
from projections.projection import Projection

PROJECTIONS: dict[str, Projection] = {
    each.name: each
    for each in (
        station.PROJECTION,
        transaction.PROJECTION,
        command.PROJECTION,
        trace.PROJECTION,
        mention.PROJECTION,
        quirk.PROJECTION,
        orphan.PROJECTION,
        reservation.PROJECTION,
        badge.PROJECTION,
        job.PROJECTION,
        file.PROJECTION,
        vendor.PROJECTION,
        incident.PROJECTION,
        refusal.PROJECTION,
        pricelist.PROJECTION,
        settlement.PROJECTION,
        swap.PROJECTION,
        locallist.PROJECTION,
        admission.PROJECTION,
        certificate.PROJECTION,
        profile.PROJECTION,
        der.PROJECTION,
        device.PROJECTION,
        monitor.PROJECTION,
        report.PROJECTION,
        display.PROJECTION,
        stream.PROJECTION,
    )
}
