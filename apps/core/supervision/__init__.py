"""One command, real parts: starts, watches and stops the processes of an installation on one machine."""
