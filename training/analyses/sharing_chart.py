"""The chart of shared logins: how their use lies in the hours of the day, beside that of a usual login."""

import altair as alt
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.analyses.drawing import INK, PAPER, WIDTH, data, styled

MOST = 20
EVERYBODY = "all logins"


def chart(shared: pd.DataFrame, own: NDArray[np.float64], hours: NDArray[np.float64]) -> alt.TopLevelMixin | None:
    """A row for each shared login (n) by its hours (n, 24), and one for all (m, 24); None where none is shared."""
    if shared.empty:
        return None
    names = [
        f"{login} of {name or account}" for login, name, account in shared[["login", "name", "account_id"]].to_numpy()
    ]
    rows = [(EVERYBODY, hours.sum(axis=0)), *zip(names[:MOST], own, strict=False)]
    cells = [
        {"login": name, "hour": hour, "share": float(seen[hour] / seen.sum())}
        for name, seen in rows
        for hour in range(24)
    ]
    made = (
        alt.Chart(data(pd.DataFrame(cells)))
        .mark_rect()
        .encode(
            x=alt.X("hour:O", title="hour of the day, UTC", axis=alt.Axis(labelAngle=0)),
            y=alt.Y("login:N", sort=[name for name, _ in rows], title=None, axis=alt.Axis(labelLimit=260)),
            color=alt.Color(
                "share:Q",
                title="of its use",
                scale=alt.Scale(range=["#f4f1ea", PAPER, INK]),
                legend=alt.Legend(format="%"),
            ),
            tooltip=["login:N", "hour:O", alt.Tooltip("share:Q", format=".1%")],
        )
        .properties(width=WIDTH, height=20 * len(rows))
    )
    return styled(made, "Shared logins know no rest")  # type: ignore[no-any-return]
