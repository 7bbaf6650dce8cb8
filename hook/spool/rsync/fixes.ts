/** What to do about what several rules find. */

export const createIt =
  'create it there, or correct spool_dir or RECORDING_SPOOL_SUB_DIRECTORY; it is never created from here. With a key that rrsync restricts, the path counts from the directory that authorized_keys names';
export const giveIt = 'give it to the group pilos-spool there (chgrp pilos-spool, chmod 2775)';

export const cleanShell =
  'remove the output from ~/.bashrc or ~/.profile there, or restrict the key with rrsync';
