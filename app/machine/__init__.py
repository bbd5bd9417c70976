"""The process at work, pure: where an engagement stands, what was done to it, what follows."""
