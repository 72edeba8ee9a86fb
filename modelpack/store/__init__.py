"""Content-addressed blobs, action records, the stat cache, scratch folders, garbage collection."""
