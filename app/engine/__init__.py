"""Who runs an engagement's turn, and when."""
