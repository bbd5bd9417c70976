"""The same promises, held against every implementation of a border."""
