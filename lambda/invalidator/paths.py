"""A change + a route → every viewer path under which its copies may be cached."""
