"""Sites, camera groups, cameras, zones, sealed credentials."""
