-- What was written so far is on the disk: nobody pays for what another has done.
CHECKPOINT
