from rest_framework import serializers

from accounts.api.lists import ListParameters
from runs.choices import State


class RunParameters(ListParameters):
    kind = serializers.CharField(required=False, max_length=40)
    state = serializers.ChoiceField(State.choices, required=False)
