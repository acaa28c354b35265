"""The schemas in which a catalogue stands, for the files of etl/sql that work in several.

Those that only ever work in one of them name it themselves; docs/database.md tells of all.
"""

SERVED = "catalogue"
# what a whole load builds, and then puts in the place of the one that is served
NEXT = "catalogue_next"
# what was served before, until the next load begins
PREVIOUS = "catalogue_previous"
# Temporary tables of the session: they are nobody else's, and gone with it however it ends.
SCRATCH = "pg_temp"
