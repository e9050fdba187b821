"""A load that does not wait: each request leaves when it is due, and its latency counts from then.

A client that asks again only after an answer would leave out just those requests that a slow service keeps waiting
("coordinated omission", Gil Tene 2013).
"""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

import httpx
import numpy as np


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request, and what its answer has to be: the fault of an answer that is not so, None of one that is."""

    kind: str
    method: str
    path: str
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    fault: Callable[[httpx.Response], str | None] = lambda answer: None if answer.status_code == 200 else "status"


@dataclass(frozen=True, kw_only=True)
class Answered:
    """When it was due (by the clock of `time.monotonic`), how long until it was answered, and what was wrong."""

    kind: str
    due: float
    seconds: float
    status: int
    fault: str | None = None


async def ask(client: httpx.AsyncClient, request: Request, due: float) -> Answered:
    """One request; status 0 where nobody answered."""
    try:
        answer = await client.request(request.method, request.path, json=request.body, headers=request.headers)
    except httpx.TransportError as error:
        return Answered(
            kind=request.kind, due=due, seconds=time.monotonic() - due, status=0, fault=type(error).__name__
        )
    took = time.monotonic() - due
    fault = request.fault(answer)
    return Answered(kind=request.kind, due=due, seconds=took, status=answer.status_code, fault=fault)


async def steady(
    client: httpx.AsyncClient, requests: Iterator[Request], *, rate: float, seconds: float
) -> list[Answered]:
    """So many requests a second, whether or not the ones before were answered."""
    began, tasks = time.monotonic(), []
    for number in range(int(rate * seconds)):
        due = began + number / rate
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        tasks.append(asyncio.create_task(ask(client, next(requests), due)))
    return await asyncio.gather(*tasks)


async def as_many_as_possible(client: httpx.AsyncClient, requests: Iterator[Request], *, seconds: float) -> float:
    """Requests a second of sixteen clients that ask again as soon as they are answered."""
    end, count = time.monotonic() + seconds, 0

    async def go_on() -> None:
        nonlocal count
        while time.monotonic() < end:
            found = await ask(client, next(requests), time.monotonic())
            assert found.fault is None, found
            count += 1

    await asyncio.gather(*(go_on() for _ in range(16)))
    return count / seconds


def client_of(url: str, key: str) -> httpx.AsyncClient:
    """A client with as many connections as it takes."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=100)
    return httpx.AsyncClient(base_url=url, timeout=60, limits=limits, headers={"Authorization": f"Bearer {key}"})


def percentiles(answers: list[Answered]) -> dict[str, float]:
    """p50 and p99 in milliseconds."""
    took = [one.seconds * 1000 for one in answers]
    return {"p50": float(np.percentile(took, 50)), "p99": float(np.percentile(took, 99)), "most": max(took)}


def steadily(url: str, key: str, names: list[str], *, rate: float, seconds: float) -> dict[str, float]:
    """Single accounts by id at a steady rate: milliseconds from when each was due."""

    async def run() -> list[Answered]:
        bodies = ({"account_ids": [name]} for name in cycle(names))
        turn = (Request(kind="score", method="POST", path="/v1/score", body=body) for body in bodies)
        async with client_of(url, key) as client:
            await steady(client, turn, rate=rate, seconds=2)
            return await steady(client, turn, rate=rate, seconds=seconds)

    answers = asyncio.run(run())
    wrong = [one for one in answers if one.fault]
    assert not wrong, wrong[:3]
    return {**percentiles(answers), "requests": len(answers)}


def read(answer: httpx.Response) -> Any:
    """The answer's JSON."""
    return json.loads(answer.content)
