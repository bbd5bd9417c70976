"""Programs that print the tables of the README; run on demand: `make bench`."""
