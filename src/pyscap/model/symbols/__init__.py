"""Names of flags, enumerations, errors and signals."""
