"""The pages in Chromium, in front of the whole product with its demonstration."""
