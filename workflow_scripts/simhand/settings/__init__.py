"""The configuration: one model per section, the presets, and the whole config checked at once."""
