"""HTTP in: verify → bound → store → 202. Nothing else happens before the answer."""
