"""Where pictures come from: network rules, checked openers and the decoder's child process."""
