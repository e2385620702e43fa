"""What a user holds: a trained network, a request to it, and what it draws."""
