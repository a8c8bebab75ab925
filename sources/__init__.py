"""The wire: HTTP in, plain dataclasses out. Knows no Django; what it needs from above is injected (`ports`)."""
