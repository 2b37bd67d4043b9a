"""The addresses of recordings, retention and holds."""

from django.urls import URLPattern, path

from apps.console.views import recordings, retention

urlpatterns: list[URLPattern] = [
    path("cameras/<uuid:camera_id>/recordings/", recordings.recordings, name="recordings"),
    path("recordings/<uuid:segment_id>.mp4", recordings.segment, name="segment"),
    path("retention/", retention.retention, name="retention"),
    path("retention/sweep/", retention.sweep, name="sweep"),
    path("retention/classes/add/", retention.class_add, name="class_add"),
    path("retention/classes/<slug:code>/", retention.class_edit, name="class_edit"),
    path("retention/classes/<slug:code>/remove/", retention.class_remove, name="class_remove"),
    path("cameras/<uuid:camera_id>/retention/", retention.camera_retention_edit, name="camera_retention"),
    path("cameras/<uuid:camera_id>/holds/add/", retention.hold_add, name="hold_add"),
    path("holds/<uuid:hold_id>/release/", retention.hold_release, name="hold_release"),
]
