"""Where the components of a system stand on its map: in layers, callers above what they call.

The same components and seams always give the same places. Longest-path layering, then ordering of each layer by the
average place of its neighbours (barycentre), after Sugiyama. An edge over several layers gets a place in each layer
between, through which it is drawn, so that it does not run behind a component.
"""

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

SWEEPS = 8

Edge = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Place:
    """*layer* counts from the top; *slot* is the distance from the middle of the layer, in widths of a component."""

    layer: int
    slot: float


@dataclass(frozen=True, slots=True)
class Layout:
    """Places of the nodes, and of the bends of edges over several layers, from source to target."""

    nodes: Mapping[str, Place]
    bends: Mapping[Edge, Sequence[Place]]
    layers: int
    width: int


def arrange(nodes: Iterable[str], edges: Iterable[Edge]) -> Layout:
    """Places of *nodes* (in the order in which ties are decided) joined by directed *edges*."""
    names = list(dict.fromkeys(nodes))
    joined = sorted({edge for edge in edges if edge[0] != edge[1] and {*edge} <= {*names}})
    forward = _without_cycles(names, joined)
    layer = _layers(names, forward)
    chains = {edge: _chain(edge, layer) for edge in joined}
    rows = _rows(names, layer, chains)
    _untangle(rows, chains)
    slots = {name: place for row in enumerate(rows) for name, place in _places(*row)}
    return Layout(
        nodes={name: slots[name] for name in names},
        bends={edge: [slots[name] for name in chain[1:-1]] for edge, chain in chains.items() if len(chain) > 2},
        layers=len(rows),
        width=max((len(row) for row in rows), default=0),
    )


def _without_cycles(names: Sequence[str], edges: Sequence[Edge]) -> list[Edge]:
    """*edges* with those turned round that would close a circle, seen from the nodes that nothing calls."""
    after: dict[str, list[str]] = defaultdict(list)
    called: dict[str, int] = defaultdict(int)
    for source, target in edges:
        after[source].append(target)
        called[target] += 1
    done: set[str] = set()
    turned: set[Edge] = set()
    for start in sorted(names, key=lambda name: (called[name] > 0, -len(after[name]), called[name])):
        trail = {} if start in done else {start: iter(after[start])}  # the way from *start*, in order
        while trail:
            name = next(reversed(trail))
            target = next(trail[name], "")
            if not target:
                done.add(name)
                del trail[name]
            elif target in trail:
                turned.add((name, target))
            elif target not in done:
                trail[target] = iter(after[target])
    return [(target, source) if (source, target) in turned else (source, target) for source, target in edges]


def _layers(names: Sequence[str], edges: Sequence[Edge]) -> dict[str, int]:
    """Layer of each node: one below the lowest of those that call it.

    A node that nothing calls stands just above what it shares with others, rather than at the very top, where that
    moves nothing else: whoever reads a queue is drawn beside whoever writes to it.
    """
    start = dict.fromkeys(names, 0)
    layer = _below_callers(dict(start), edges)
    callers: dict[str, set[str]] = defaultdict(set)
    for source, target in edges:
        callers[target].add(source)
    for name in names:
        shared = [target for source, target in edges if source == name and len(callers[target]) > 1]
        if callers[name] or not shared:
            continue
        wanted = min(layer[target] for target in shared) - 1
        moved = _below_callers({**start, name: wanted}, edges)
        if max(moved.values()) == max(layer.values()) and all(moved[target] == layer[target] for target in shared):
            start[name], layer = wanted, moved
    return _closed_up(layer)


def _closed_up(layer: Mapping[str, int]) -> dict[str, int]:
    """*layer* without layers in which nothing stands."""
    numbers = {old: new for new, old in enumerate(sorted(set(layer.values())))}
    return {name: numbers[old] for name, old in layer.items()}


def _below_callers(layer: dict[str, int], edges: Sequence[Edge]) -> dict[str, int]:
    """*layer* with every target moved below its sources; *edges* have no circle."""
    for _ in range(len(layer)):  # at most as many rounds as the longest path is long
        moved = False
        for source, target in edges:
            if layer[target] <= layer[source]:
                layer[target], moved = layer[source] + 1, True
        if not moved:
            break
    return layer


def _chain(edge: Edge, layer: Mapping[str, int]) -> list[str]:
    """The edge's ends with a stand-in for each layer between, from source to target."""
    source, target = edge
    step = 1 if layer[target] > layer[source] else -1
    between = range(layer[source] + step, layer[target], step)
    return [source, *(f"{source} {target} {row}" for row in between), target]


def _rows(names: Sequence[str], layer: Mapping[str, int], chains: Mapping[Edge, list[str]]) -> list[list[str]]:
    rows: list[list[str]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    for name in names:
        rows[layer[name]].append(name)
    for chain in chains.values():
        for stand_in in chain[1:-1]:
            rows[int(stand_in.rsplit(" ", 1)[1])].append(stand_in)
    return rows


def _untangle(rows: list[list[str]], chains: Mapping[Edge, list[str]]) -> None:
    """Order each row by the average place of its neighbours in the row before, down and up in turn.

    Of all orders seen, the one in which the fewest edges cross is kept.
    """
    neighbours: dict[str, list[str]] = defaultdict(list)
    for chain in chains.values():
        for one, other in pairwise(chain):
            neighbours[one].append(other)
            neighbours[other].append(one)
    best = (_crossings(rows, neighbours), [list(row) for row in rows])
    for sweep in range(SWEEPS):
        downwards = sweep % 2 == 0
        order = range(1, len(rows)) if downwards else range(len(rows) - 2, -1, -1)
        for index in order:
            fixed = {name: place.slot for name, place in _places(0, rows[index - 1 if downwards else index + 1])}
            own = {name: place.slot for name, place in _places(0, rows[index])}
            rows[index].sort(key=lambda name: _average(fixed, neighbours[name], own[name]))
        crossings = _crossings(rows, neighbours)
        if crossings < best[0]:
            best = (crossings, [list(row) for row in rows])
    rows[:] = best[1]


def _crossings(rows: Sequence[Sequence[str]], neighbours: Mapping[str, Iterable[str]]) -> int:
    """How many pairs of edges between adjacent rows cross."""
    count = 0
    for upper, lower in pairwise(rows):
        at = {name: index for index, name in enumerate(lower)}
        seen: list[int] = []
        for name in upper:
            ends = sorted(at[other] for other in neighbours.get(name, ()) if other in at)
            count += sum(len(seen) - bisect_right(seen, end) for end in ends)
            for end in ends:
                insort(seen, end)
    return count


def _average(places: Mapping[str, float], names: Iterable[str], otherwise: float) -> float:
    known = [places[name] for name in names if name in places]
    return sum(known) / len(known) if known else otherwise


def _places(layer: int, row: Sequence[str]) -> list[tuple[str, Place]]:
    middle = (len(row) - 1) / 2
    return [(name, Place(layer, index - middle)) for index, name in enumerate(row)]
