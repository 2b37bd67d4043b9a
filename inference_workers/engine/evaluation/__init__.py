"""Versions measured on labelled pictures, set side by side, and made smaller."""
