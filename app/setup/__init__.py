"""Makes a GitLab project ready for the process: what it should be, how it differs, and the steps from here to there."""
