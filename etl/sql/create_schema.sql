-- Where the next catalogue is built, unseen by readers.
CREATE SCHEMA catalogue_next
