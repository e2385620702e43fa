"""A trained model, requests to it, and what it draws."""
