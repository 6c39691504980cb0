"""Territory: is a place in France? Shapes as coarse as those of the administration, so that a border is a doubt."""

from __future__ import annotations

from typing import Literal

Place = tuple[float, float]
"""Longitude and latitude, WGS84."""
Verdict = Literal["inside", "near", "far"]

NEAR_DEGREES = 1.0
SHAPES: dict[str, tuple[Place, ...]] = {
    "mainland": ((-5.37, 48.64), (2.45, 51.50), (9.02, 49.09), (8.36, 43.71), (3.24, 41.96), (-2.25, 43.09)),
    "Corsica": ((9.29, 43.05), (9.64, 43.01), (9.54, 41.33), (8.94, 41.34), (8.42, 41.92), (8.52, 42.59)),
    "French Guiana": ((-53.98, 6.24), (-51.03, 4.53), (-52.69, 1.81), (-54.88, 1.99), (-54.81, 5.03)),
    "Réunion": ((55.52, -20.70), (56.05, -21.20), (55.65, -21.59), (55.02, -21.09)),
    "Martinique": ((-61.40, 14.87), (-60.98, 15.03), (-60.65, 14.40), (-61.03, 14.32)),
    "Guadeloupe": ((-61.97, 16.32), (-61.42, 16.59), (-60.86, 16.33), (-61.18, 15.77), (-61.71, 15.79)),
    "Mayotte": ((44.96, -12.62), (45.09, -13.11), (45.28, -13.03), (45.33, -12.74), (45.11, -12.63)),
}
"""The vertices of QualiCharge's server, which refuses what lies outside."""


def situated(place: Place) -> Verdict:
    """In France, within a degree of its outline, or further away."""
    if any(inside(place, shape) for shape in SHAPES.values()):
        return "inside"
    return "near" if min(distance(place, shape) for shape in SHAPES.values()) <= NEAR_DEGREES else "far"


def inside(place: Place, shape: tuple[Place, ...]) -> bool:
    """Does a ray to the east cross the outline an odd number of times?"""
    x, y = place
    crossings = 0
    for (ax, ay), (bx, by) in edges(shape):
        if (ay > y) != (by > y) and x < ax + (y - ay) * (bx - ax) / (by - ay):
            crossings += 1
    return crossings % 2 == 1


def distance(place: Place, shape: tuple[Place, ...]) -> float:
    """Degrees to the nearest point of the outline."""
    return min(apart(place, begin, end) for begin, end in edges(shape))


def apart(place: Place, begin: Place, end: Place) -> float:
    (x, y), (ax, ay), (bx, by) = place, begin, end
    dx, dy = bx - ax, by - ay
    along = max(0.0, min(1.0, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy)))
    return float(((x - ax - along * dx) ** 2 + (y - ay - along * dy) ** 2) ** 0.5)


def edges(shape: tuple[Place, ...]) -> list[tuple[Place, Place]]:
    return list(zip(shape, (*shape[1:], shape[0]), strict=True))
