"""Reading text: one script-neutral finder of lines, and a recogniser per writing system."""
