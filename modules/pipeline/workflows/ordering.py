"""The order in which nodes can run, and where they wait for each other in a circle."""

from __future__ import annotations

from collections.abc import Iterator

from modules.pipeline.workflows.graph import Graph


def components(graph: Graph) -> list[list[str]]:
    """Nodes in an order in which each comes after all that it is given; those in one circle are in one list.

    Links to nodes that are not there are left out.

    References:
        Tarjan, "Depth-first search and linear graph algorithms", SIAM Journal on Computing 1 (1972), 146-160; without recursion.
    """
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    is_on_stack: set[str] = set()
    result: list[list[str]] = []
    for root in graph.nodes:
        if root in number:
            continue
        path: list[tuple[str, Iterator[str]]] = []
        _enter(graph, root, number, low, stack, is_on_stack, path)
        while path:
            node, sources = path[-1]
            source = next(sources, None)
            if source is None:
                path.pop()
                if path:
                    low[path[-1][0]] = min(low[path[-1][0]], low[node])
                if low[node] == number[node]:
                    start = stack.index(node) if stack[-1] != node else len(stack) - 1
                    result.append(stack[start:])
                    is_on_stack.difference_update(stack[start:])
                    del stack[start:]
            elif source not in number:
                _enter(graph, source, number, low, stack, is_on_stack, path)
            elif source in is_on_stack:
                low[node] = min(low[node], number[source])
    return result


def _enter(
    graph: Graph,
    node: str,
    number: dict[str, int],
    low: dict[str, int],
    stack: list[str],
    is_on_stack: set[str],
    path: list[tuple[str, Iterator[str]]],
) -> None:
    number[node] = low[node] = len(number)
    stack.append(node)
    is_on_stack.add(node)
    path.append((node, (link.node for link in graph.nodes[node].links.values() if link.node in graph.nodes)))


def is_circle(graph: Graph, component: list[str]) -> bool:
    """Whether its nodes wait for each other, or for themselves."""
    node = graph.nodes[component[0]]
    return len(component) > 1 or any(link.node == node.id for link in node.links.values())


def shortest_circle(graph: Graph, component: list[str]) -> list[str]:
    """One way round, each node before the one that it is given: ["3", "5", "3"]."""
    members = set(component)
    start = component[0]
    came_from: dict[str, str] = {}
    waiting = [start]
    for node in waiting:
        for link in graph.nodes[node].links.values():
            if link.node == start:
                way = [start]
                while node != start:
                    way.append(node)
                    node = came_from[node]
                return [start, *reversed(way[1:]), start]
            if link.node in members and link.node not in came_from:
                came_from[link.node] = node
                waiting.append(link.node)
    return []
