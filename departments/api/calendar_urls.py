from django.urls import path

from departments.api import calendar

urlpatterns = [
    path("holidays", calendar.Holidays.as_view(), name="api-holidays"),
    path("holidays/<str:pk>", calendar.OneHoliday.as_view(), name="api-holiday"),
    path("closures", calendar.Closures.as_view(), name="api-closures"),
    path("closures/<str:pk>", calendar.OneClosure.as_view(), name="api-closure"),
    path("events", calendar.Events.as_view(), name="api-events"),
    path("events/<str:pk>", calendar.OneEvent.as_view(), name="api-event"),
    path("import", calendar.ImportCalendar.as_view(), name="api-calendar-import"),
    path("export/csv", calendar.ExportCalendar.as_view(), name="api-calendar-export"),
]
