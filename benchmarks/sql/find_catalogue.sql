-- Whether there is a catalogue to copy.
SELECT to_regclass('catalogue.published_load') IS NOT NULL
