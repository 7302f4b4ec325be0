"""The whole picture: what the daemon's objects tell, and the last transition of each group.

A group's object has the id of its last transition only; what happened is asked of Manager.History,
and only when an id is new. Without an answer the picture is shown without.
"""

from __future__ import annotations

from hbd.cli.client import Client
from hbd.cli.outcome import Trouble
from hbd.cli.past import RUNNING, TransitionView, transition_view
from hbd.cli.spans import span
from hbd.cli.view import LastView, StatusView, last_ids, status_view

FEW = 10  # of the newest: nearly always enough, and one in a hundred of the daemon's whole history


class Lasts:
    """Reads the picture; remembers the transitions that are over.

    `transitions` are each group's last one, as of the last reading, where it is known.
    """

    def __init__(self) -> None:
        self.transitions: dict[str, TransitionView] = {}
        self._over: dict[str, TransitionView] = {}

    async def read(self, client: Client) -> StatusView:
        """The picture as of now. Trouble if the daemon cannot be asked."""
        objects = await client.objects()
        ids = last_ids(objects)
        known = {name: found for name, found in self._over.items() if name in ids.values()}
        for limit in (FEW, 0):
            if set(ids.values()) <= known.keys():
                break
            known |= await _told(client, limit)
        self._over = {name: found for name, found in known.items() if found.result != RUNNING}
        self.transitions = {group: known[name] for group, name in ids.items() if name in known}
        lasts = {group: _last(view, group) for group, view in self.transitions.items()}
        return status_view(objects, lasts)


async def _told(client: Client, limit: int) -> dict[str, TransitionView]:
    try:
        views = [transition_view(each) for each in await client.history(limit)]
    except Trouble:  # the picture itself is there, and hbctl history tells why this is not
        return {}
    return {view.id: view for view in views}


def _last(view: TransitionView, group: str) -> LastView:
    return LastView(view.started_usec, summary(view, group), view.id)


def summary(view: TransitionView, group: str) -> str:
    """`takeover by uid 0: ttisrv1 -> ttisrv2, moved, unserved for 0.4 s`: one group's part."""
    by = f" by {view.requested_by}" if view.requested_by else ""
    mine = [move for move in view.moves if move.group == group]
    origin, target, result, outage_usec = view.origin, view.target, view.result, view.outage_usec
    if mine:
        move = mine[0]
        origin, target = move.origin, move.target
        result, outage_usec = move.result, move.outage_usec
    way = f"{origin or 'nobody'} -> {target}" if origin != target else f"on {target}"
    tenths = round(outage_usec, -5)
    unserved = f", unserved for {span(tenths)}" if tenths else ""
    return f"{view.cause}{by}: {way}, {result}{unserved}"
