"""What model versions do beside each other on live cameras."""
