"""Questions about the whole book whose answers are learnt: each says what it claims, how sure it is, and what not."""
