"""Whether the hops of a workflow follow from each other."""

from collections.abc import Iterable
from dataclasses import dataclass

from apps.systems.models import IntegrationPoint


@dataclass(frozen=True)
class Hop:
    """One hop; *jumps* when its consumer was not reached by any hop before it."""

    point: IntegrationPoint
    position: int
    jumps: bool


def follow(points: Iterable[IntegrationPoint]) -> list[Hop]:
    """The hops in order. Work may go on from any component reached before, not only from the last one."""
    hops: list[Hop] = []
    reached: set[int] = set()
    for position, point in enumerate(points, 1):
        # A queue or stream is read by its consumer: the data goes on from there, though the edge points back to it.
        joins = not reached or point.consumer_id in reached or point.provider_id in reached
        hops.append(Hop(point, position, not joins))
        reached |= {point.consumer_id, point.provider_id}
    return hops
