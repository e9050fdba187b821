"""What the command `ebb` does, one file per part of the work. Heavy libraries are imported when a command runs."""
