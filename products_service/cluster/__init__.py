"""The fleet on one machine: app hosts at addresses of their own, and nginx in front of them."""
