"""Pictures of the pages, taken from the demo in a real browser: today.png, account.png, book.png beside this file.

python experiments/2026-11_pages/run.py     (needs Chromium; simulates, learns, scores and serves into a temporary home)
"""

import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
from playwright.sync_api import Page, sync_playwright

HERE = Path(__file__).parent
EBB = Path(sys.executable).with_name("ebb")
CHROMIUM = os.environ.get("EBB_CHROMIUM", "/usr/bin/chromium")
START_SECONDS = 600
DRAWN_MS = 2500
"""Charts are drawn when they come into view."""


def main() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as home:
        command = [EBB, "demo", "--home", home, "--port", str(port)]
        with subprocess.Popen(command) as service:
            try:
                wait(f"http://127.0.0.1:{port}/readyz")
                taken(f"http://127.0.0.1:{port}/app")
            finally:
                service.terminate()


def wait(url: str) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        try:
            if httpx.get(url, timeout=5).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        time.sleep(1)
    raise SystemExit(f"{url} did not answer")


def taken(root: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme="light").new_page()
        page.goto(root)
        first = page.locator("a[href*='/app/accounts/']").first.get_attribute("href")
        picture(page, "today")
        page.goto(root.removesuffix("/app") + str(first))
        picture(page, "account")
        page.goto(f"{root}/book/quadrants")
        picture(page, "book")
        browser.close()


def picture(page: Page, name: str) -> None:
    page.wait_for_timeout(DRAWN_MS)
    page.screenshot(path=HERE / f"{name}.png")


if __name__ == "__main__":
    main()
