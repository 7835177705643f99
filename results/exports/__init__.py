"""Evidence in the formats of other tools; `formats` lists them by name."""
