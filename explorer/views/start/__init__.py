"""The start page: choose a file, a folder, an address or a sample, see what was found in it, press Start; on this computer only."""
