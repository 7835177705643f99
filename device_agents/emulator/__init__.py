"""The emulated ARM board: a small Linux under qemu, with a real adbd and a clock that counts instructions."""
