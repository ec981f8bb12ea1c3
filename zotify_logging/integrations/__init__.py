"""Other logging libraries, set up by one call so that their events reach our handlers as fields.

Nothing here is imported by the rest of the library: each module needs the library it is named for.
"""
