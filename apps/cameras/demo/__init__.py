"""The demonstration: sites, people and cameras that a first start finds, and the person's own camera.

Everything goes through the services, so that the record begins with how the installation was set up.
"""
