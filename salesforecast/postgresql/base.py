"""Django's own engine for PostgreSQL, which asks no question before each request to learn whether one can ask."""

import select

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    def is_usable(self) -> bool:
        """Nothing comes unasked from a connection at rest but its end: only where something came is it tried out.

        A host that vanished without a word is noticed by the question itself, as before.
        """
        if self.connection.closed:
            return False
        waiting = select.poll()
        waiting.register(self.connection.fileno(), select.POLLIN)
        return not waiting.poll(0) or bool(super().is_usable())
