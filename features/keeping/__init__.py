"""What is kept between runs, so that a new day costs a day."""
