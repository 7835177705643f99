"""Devices: profiles, how a name becomes one device, its lock, its state."""
