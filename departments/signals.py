from django.dispatch import Signal

# Sent after a connection's departments were synchronised, with `connection` and `new_ids`: source ids that have
# a department now and had none before.
departments_synced = Signal()
