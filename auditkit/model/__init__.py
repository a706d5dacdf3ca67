"""The types that every other room speaks: no I/O, no AWS, no SQL."""
