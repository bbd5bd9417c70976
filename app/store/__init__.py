"""The only SQL of the project: inbox (deliveries), outbox (actions), engagements, journal."""
