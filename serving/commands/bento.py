"""The service as one folder that runs elsewhere."""

from pathlib import Path
from typing import Annotated

import typer

from serving.progress import Progress


def bento(
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="The folder to make.")] = Path("dist/ebb"),
) -> None:
    """Build the Bento of the service, with a Containerfile: code and locked requirements; no data, model or secret."""
    from serving.bento import build

    progress = Progress()
    with progress.step(f"build the Bento in {out}"):
        version = build(out)
    progress.say(f"ebb:{version}; serve it: bentoml serve {out}; its container: podman build -t ebb:{version} {out}")
