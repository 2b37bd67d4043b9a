"""Versions compared before they run live: labelled sets, measurements, comparisons, replays, variants."""
