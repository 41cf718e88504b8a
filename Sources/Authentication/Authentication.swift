// Placeholder until the parsers land.
