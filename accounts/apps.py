from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("Access")

    def ready(self) -> None:
        from django.db.models.signals import post_delete, post_save

        from accounts.api import schema  # noqa: F401  (registers how the OpenAPI document names API keys)
        from accounts.authentication import forget_keys
        from accounts.models import ApiKey, Membership, User

        for model in (ApiKey, Membership, User):
            post_save.connect(forget_keys, sender=model)
            post_delete.connect(forget_keys, sender=model)
