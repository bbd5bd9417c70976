"""PS Plan Bot: from a services-calculator submission to two linked issues, and on through the methodology."""
