"""Known faults of the locked packages, by pip-audit; a database that cannot be reached is said, and no fault."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
LOCKS = ("requirements.lock", "requirements-dev.lock")
SECONDS = 300


def audited(lock: str) -> tuple[list[dict[str, Any]], str]:
    """What is known of each package of a lock, and what the program said instead where it could not look."""
    command = [sys.executable, "-m", "pip_audit", "-r", str(ROOT / lock), "--disable-pip", "--require-hashes"]
    try:
        ran = subprocess.run([*command, "--format", "json"], capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return [], f"no answer in {SECONDS} s"
    try:
        found: list[dict[str, Any]] = json.loads(ran.stdout)["dependencies"]
    except (ValueError, KeyError):
        return [], (ran.stderr.strip().splitlines() or ["no word"])[-1]
    return found, ""


def sentence(lock: str, found: list[dict[str, Any]], instead: str) -> tuple[str, bool]:
    """What is to be said of one lock, and whether it is bad.

    >>> sentence("a.lock", [{"name": "x", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": ["2"]}]}], "")
    ('a.lock: x 1 has CVE-1, mended in 2', True)
    >>> sentence("a.lock", [{"name": "x", "skip_reason": "not found"}], "")
    ('a.lock: not audited, the database of known faults cannot be reached: not found', False)
    >>> sentence("a.lock", [{"name": "x", "version": "1", "vulns": []}], "")
    ('a.lock: no known fault in 1 of 1 packages', False)
    """
    known = [one for one in found if "vulns" in one]
    if not known:
        reason = instead or next((one["skip_reason"] for one in found), "it says nothing")
        return f"{lock}: not audited, the database of known faults cannot be reached: {reason}", False
    faults = [
        f"{one['name']} {one['version']} has {fault['id']}, mended in {', '.join(fault['fix_versions']) or 'none yet'}"
        for one in known
        for fault in one["vulns"]
    ]
    if faults:
        return f"{lock}: {'; '.join(faults)}", True
    return f"{lock}: no known fault in {len(known)} of {len(found)} packages", False


def main() -> int:
    """Say what is known of each lock; 1 where a package has a known fault."""
    told = [sentence(lock, *audited(lock)) for lock in LOCKS]
    print("\n".join(said for said, _ in told))
    return int(any(bad for _, bad in told))


if __name__ == "__main__":
    sys.exit(main())
