"""Where facts come from, one file per place."""
