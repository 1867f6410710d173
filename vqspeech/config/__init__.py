"""Settings: strict schemas, read from YAML with overrides."""
