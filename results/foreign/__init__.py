"""What other tools print, read into records, so that their figures can stand beside ours."""
