"""Commands that are more than a call: what they share with the command line is in `darkbeauty.terminal`."""
