"""Signed-in clients that keep their connection: one thread each, all starting at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from http.cookies import SimpleCookie
from itertools import cycle
from time import perf_counter
from urllib.parse import urlencode

from benchmarks.servers import HOST

CSRF = "b" * 32
_PATIENCE = 60


@dataclass(frozen=True)
class Answer:
    """What came back, and how long it took."""

    status: int
    location: str
    body: str
    seconds: float


class Browser:
    """One signed-in session over one kept-alive connection."""

    def __init__(self, port: int, session: str) -> None:
        self._connection = HTTPConnection(HOST, port, timeout=_PATIENCE)
        self._cookies = {"sessionid": session, "csrftoken": CSRF}
        self._port = port

    def sign_in(self, session: str) -> None:
        """Go on as another signed-in browser, over the same connection: what a session has gathered is left behind."""
        self._cookies["sessionid"] = session

    def get(self, path: str, **headers: str) -> Answer:
        """Ask for a page."""
        return self._ask("GET", path, None, headers)

    def post(self, path: str, fields: dict[str, str], **headers: str) -> Answer:
        """Send a form, with its CSRF token."""
        kind = {"Content-Type": "application/x-www-form-urlencoded", "X-CSRFToken": CSRF}
        return self._ask("POST", path, urlencode(fields), {**kind, **headers})

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def _ask(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> Answer:
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        started = perf_counter()
        self._connection.request(method, path, body, {"Cookie": cookies, **_dashed(headers)})
        response = self._connection.getresponse()
        text = response.read()
        taken = perf_counter() - started
        self._remember(response)
        return Answer(
            response.status, response.headers.get("Location", ""), text.decode(errors="replace"), taken
        )

    def _remember(self, response: HTTPResponse) -> None:
        for header in response.headers.get_all("Set-Cookie") or []:
            self._cookies.update({name: each.value for name, each in SimpleCookie(header).items()})


def _dashed(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


Job = Callable[[Browser], list[Answer]]


@dataclass(frozen=True)
class Load:
    """What a crowd of clients did: each job's answers, and the seconds from the first request to the last answer."""

    jobs: list[list[Answer]]
    seconds: float

    @property
    def latencies(self) -> list[float]:
        """Seconds per job: a job may be several requests."""
        return [sum(answer.seconds for answer in answers) for answers in self.jobs]

    @property
    def per_second(self) -> float:
        """Jobs per second."""
        return len(self.jobs) / self.seconds

    @property
    def statuses(self) -> list[int]:
        """Of each job's last answer."""
        return [answers[-1].status for answers in self.jobs]


def crowd(port: int, sessions: Sequence[str], jobs: Iterable[Job], *, clients: int) -> Load:
    """Share the jobs among the clients; each does its share one after the other, every job in another session.

    People read what a page tells them; a session in which nobody ever opens the next page only grows.
    """
    waiting = list(zip(jobs, cycle(sessions), strict=False))
    shares = [waiting[n::clients] for n in range(clients)]
    barrier = threading.Barrier(clients)

    def work(number: int) -> tuple[list[list[Answer]], float, float]:
        browser, done = Browser(port, sessions[0]), []
        try:
            barrier.wait(timeout=_PATIENCE)
            began = perf_counter()
            for job, session in shares[number]:
                browser.sign_in(session)
                done.append(job(browser))
            return done, began, perf_counter()
        finally:
            browser.close()

    with ThreadPoolExecutor(clients) as pool:
        found = list(pool.map(work, range(clients)))
    answers = [each for done, _, _ in found for each in done]
    return Load(answers, max(end for *_, end in found) - min(began for _, began, _ in found))
