"""What GitHub's runner and its API are told."""
