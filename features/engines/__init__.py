"""Where the plan runs."""
