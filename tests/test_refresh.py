"""A refresh over real HTTP: begun once, followed, and the new book is served; a job whose process died has failed."""

import json
import time
from pathlib import Path

from serving.jobs import Jobs
from serving.store import ScoreStore
from tests.market_home import MarketHome
from tests.test_service import assert_problem

WAIT_SECONDS = 300


def test_a_refresh_scores_the_book_anew(market_home: MarketHome) -> None:
    """202 and a job; asked again meanwhile it is the same one; at its end there is a new run."""
    with ScoreStore(market_home.store_url) as store:
        before = store.latest()
    with market_home.client() as client:
        begun = client.post("/v1/refresh")
        assert begun.status_code == 202
        job = begun.json()
        assert client.post("/v1/refresh").json()["id"] == job["id"]
        assert begun.headers["location"] == f"/v1/jobs/{job['id']}"
        give_up = time.monotonic() + WAIT_SECONDS
        while job["state"] == "running" and time.monotonic() < give_up:
            time.sleep(0.5)
            job = client.get(begun.headers["location"]).json()
        assert job["state"] == "done", job
        assert any("score" in line for line in job["progress"])
        assert_problem(client.get("/v1/jobs/nosuchjob"), 404, "no job")
        assert_problem(client.get("/v1/jobs/..%2F..%2Febb"), 404, "")
    with ScoreStore(market_home.store_url) as store:
        after = store.latest()
    assert before is not None
    assert after is not None
    assert (after.number or 0) > (before.number or 0)


def test_a_job_that_fails_says_why(tmp_path: Path) -> None:
    """The command's own line is the last of its progress."""
    jobs = Jobs(tmp_path, ("score", "--home", str(tmp_path / "nothing"), "--data", str(tmp_path / "nowhere")))
    job = jobs.start()
    give_up = time.monotonic() + WAIT_SECONDS
    while job.state == "running" and time.monotonic() < give_up:
        time.sleep(0.2)
        job = jobs.get(job.id) or job
    assert job.state == "failed"
    assert job.progress[-1].startswith("ebb: ")


def test_a_job_whose_process_is_gone_has_failed(tmp_path: Path) -> None:
    """After a kill -9 of all nobody says how it ended; it does not run for ever."""
    (tmp_path / "jobs").mkdir()
    left = {"id": "a1", "state": "running", "began_at": "2026-01-01T00:00:00+00:00", "ended_at": None}
    (tmp_path / "jobs" / "a1.json").write_text(json.dumps({**left, "progress": ["read"], "pid": 2**22 - 3}))
    job = Jobs(tmp_path, ("score",)).get("a1")
    assert job is not None
    assert (job.state, job.progress[0]) == ("failed", "read")
