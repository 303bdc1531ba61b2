"""All decisions and all knowledge of the system; no threads, no actors, no web."""
