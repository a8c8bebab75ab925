from django.dispatch import Signal

# Sent after a connection's departments were synchronised, with `connection` and `new_ids`: source ids that have
# a department now and had none before.
departments_synced = Signal()

# Sent in the transaction in which a person changed departments or rows of the calendar, with `noted` (a list of
# departments.changes.Noted) and `by`.
people_changed = Signal()

# Sent after a person has added a connection on its page, with `connection`.
connection_added = Signal()
