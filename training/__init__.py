"""Models: from signals to the probability that the account will leave."""
