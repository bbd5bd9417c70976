"""The bot's own parts of an issue: short sentences for people who see the process for the first time."""
