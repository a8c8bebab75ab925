from typing import Any

from django.core.management.base import BaseCommand

from operations.schedules import setup_schedules


class Command(BaseCommand):
    help = "Creates the schedules that are missing; what was changed in the admin stays."

    def handle(self, *args: Any, **options: Any) -> None:
        created = setup_schedules()
        self.stdout.write(f"Created: {', '.join(created)}." if created else "All schedules are there.")
