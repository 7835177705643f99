"""What devices print of themselves, read: pure functions of text. What cannot be read is None, never zero."""
