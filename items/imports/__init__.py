"""Files of item sales on their way into the store: received, looked at, checked as a whole, stored day by day."""
