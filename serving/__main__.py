"""``python -m serving`` is the command `ebb`, where that is not installed: in the Bento and its container."""

from serving.cli import main

if __name__ == "__main__":
    main()
