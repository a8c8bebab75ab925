"""Django settings: everything a deployment may vary comes from the environment (`salesforecast.env`)."""

from salesforecast.settings.api import *  # noqa: F403
from salesforecast.settings.base import *  # noqa: F403
from salesforecast.settings.imports import *  # noqa: F403
from salesforecast.settings.items import *  # noqa: F403
from salesforecast.settings.look import *  # noqa: F403
from salesforecast.settings.work import *  # noqa: F403
