"""What people do in the simulated product: its features, and which of them an account takes up."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from features.sources.market.accounts import Accounts
from features.sources.market.causes import Floats
from features.sources.market.settings import MarketSettings


@dataclass(frozen=True, kw_only=True)
class Feature:
    """One thing that can be done. Features of a sticky workflow are what keeps a fitting account.

    ``seconds`` is the usual duration (0: not measured); ``many`` marks what handles many things at once.
    """

    name: str
    workflow: str
    popularity: float
    seconds: float = 0.0
    many: bool = False


STICKY: Final = ("reporting", "dashboards", "automation", "collaboration")
LEADING: Final = 7.0
"""How much more the first feature of the workflow an account was won for is used: it is its key feature."""
CORE: Final = 2
"""The first features: everybody has them from the first day."""

FEATURES: Final[tuple[Feature, ...]] = (
    Feature(name="workspace_opened", workflow="browsing", popularity=5, seconds=240),
    Feature(name="record_viewed", workflow="browsing", popularity=5, seconds=90),
    Feature(name="search_run", workflow="browsing", popularity=3, seconds=20),
    Feature(name="list_filtered", workflow="browsing", popularity=2),
    Feature(name="help_opened", workflow="browsing", popularity=0.7, seconds=150),
    Feature(name="report_viewed", workflow="reporting", popularity=5, seconds=180),
    Feature(name="report_created", workflow="reporting", popularity=2, seconds=600),
    Feature(name="report_scheduled", workflow="reporting", popularity=1),
    Feature(name="report_exported", workflow="reporting", popularity=1.5, many=True),
    Feature(name="dashboard_viewed", workflow="dashboards", popularity=5, seconds=120),
    Feature(name="dashboard_created", workflow="dashboards", popularity=1.5, seconds=900),
    Feature(name="dashboard_shared", workflow="dashboards", popularity=1.5),
    Feature(name="alert_configured", workflow="dashboards", popularity=1),
    Feature(name="workflow_run", workflow="automation", popularity=4, many=True),
    Feature(name="workflow_created", workflow="automation", popularity=1.5, seconds=720),
    Feature(name="template_saved", workflow="automation", popularity=1.2),
    Feature(name="rule_edited", workflow="automation", popularity=1.2, seconds=200),
    Feature(name="comment_added", workflow="collaboration", popularity=4),
    Feature(name="mention_sent", workflow="collaboration", popularity=2),
    Feature(name="task_assigned", workflow="collaboration", popularity=2),
    Feature(name="approval_given", workflow="collaboration", popularity=1.5),
    Feature(name="user_invited", workflow="admin", popularity=0.5),
    Feature(name="role_changed", workflow="admin", popularity=0.3),
    Feature(name="api_key_created", workflow="admin", popularity=0.2),
    Feature(name="file_imported", workflow="data", popularity=1.5, seconds=45, many=True),
)
API_FEATURES: Final = ("record_synced", "file_imported")
API_SHARES: Final = (0.8, 0.2)
EVENT_NAMES: Final = (*(f.name for f in FEATURES), "record_synced")


@dataclass(frozen=True, kw_only=True)
class Adoption:
    """What each account does: ``share`` (n, features) of its use, ``since`` (n, features) the day it took a feature up.

    ``key`` (n, features) marks the workflow the account was won for.
    """

    share: Floats
    since: Floats
    key: "np.ndarray[tuple[int, int], np.dtype[np.bool_]]"


def draw_adoption(accounts: Accounts, settings: MarketSettings) -> Adoption:
    """Fitting accounts take up more of the sticky features; of the others, everyone takes about half."""
    rng, n, width = settings.stream("adoption"), accounts.ids.size, len(FEATURES)
    workflow = np.array([f.workflow for f in FEATURES])
    sticky = np.isin(workflow, STICKY)
    won_for = np.array(STICKY)[rng.integers(0, len(STICKY), n)]
    key = workflow[None, :] == won_for[:, None]
    wanted = np.where(sticky, 1 / (1 + np.exp(-(0.2 + 1.3 * accounts.fit[:, None]))), 0.6)
    taken = (rng.random((n, width)) < wanted) | key
    taken[:, :CORE] = True
    weight = np.array([f.popularity for f in FEATURES]) * rng.lognormal(0, 0.5, (n, width))
    leads = key & ~np.concatenate([np.zeros((n, 1), dtype=bool), key[:, :-1]], axis=1)
    weight = np.where(leads, weight * LEADING, np.where(key, weight * 2.0, weight)) * taken
    since = accounts.joined[:, None] + np.where(key, 15, 60) * rng.exponential(1.0, (n, width))
    since[:, :CORE] = 0
    return Adoption(share=weight / weight.sum(axis=1, keepdims=True), since=since, key=key)
