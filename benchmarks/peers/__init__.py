"""PS Plan Bot beside the bots and job engines of its field, under the same load, in one run: `make peers`."""
