"""The 1C exchange service: one list of the objects the books are kept for."""
