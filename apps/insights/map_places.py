"""Components that somebody has put on the map stay there; the others keep out of their way."""

from collections.abc import Mapping, Sequence

from apps.insights.map_layout import Layout
from apps.systems.models import Place

WIDTH = 1.0  # of components beside each other, from middle to middle: nearer ones overlap
HEIGHT = 0.6  # of components below each other, in layers


def placed(layout: Layout, fixed: Mapping[str, Place]) -> dict[str, Place]:
    """A place for each component of *layout*: that of *fixed*, else the layout's own if it is free, else beside it.

    The layout knows nothing of *fixed*: whoever moves one component moves no other, unless it would be covered.
    """
    wanted = {name: Place(at.slot, at.layer) for name, at in layout.nodes.items()}
    found = {name: fixed[name] for name in wanted if name in fixed}
    free = [name for name in wanted if name not in found]
    covered = [name for name in free if _is_covered(wanted[name], list(found.values()))]
    found |= {name: wanted[name] for name in free if name not in covered}
    for name in covered:
        found[name] = _nearest(wanted[name], list(found.values()))
    return found


def _is_covered(place: Place, taken: Sequence[Place]) -> bool:
    return any(abs(one.y - place.y) < HEIGHT and abs(one.x - place.x) < WIDTH for one in taken)


def _nearest(wanted: Place, taken: Sequence[Place]) -> Place:
    """The nearest free place in the layer of *wanted*, to the left or to the right."""
    middles = sorted(one.x for one in taken if abs(one.y - wanted.y) < HEIGHT)
    left = right = wanted.x
    for x in middles:  # from the left: what one pushes to the right may meet the next
        right = x + WIDTH if abs(x - right) < WIDTH else right
    for x in reversed(middles):
        left = x - WIDTH if abs(x - left) < WIDTH else left
    return min((Place(right, wanted.y), Place(left, wanted.y)), key=lambda place: abs(place.x - wanted.x))
