"""The addresses of recordings, retention and holds."""

from django.urls import URLPattern, path

from apps.console.views import recordings, retention, unmasking

urlpatterns: list[URLPattern] = [
    path("cameras/<uuid:camera_id>/recordings/", recordings.recordings, name="recordings"),
    path("recordings/<uuid:segment_id>.mp4", recordings.segment, name="segment"),
    path("retention/", retention.retention, name="retention"),
    path("retention/sweep/", retention.sweep, name="sweep"),
    path("retention/classes/add/", retention.class_add, name="class_add"),
    path("retention/classes/<slug:code>/", retention.class_edit, name="class_edit"),
    path("retention/classes/<slug:code>/remove/", retention.class_remove, name="class_remove"),
    path("cameras/<uuid:camera_id>/retention/", retention.camera_retention_edit, name="camera_retention"),
    path(
        "cameras/<uuid:camera_id>/retention/originals/",
        retention.originals_destroy,
        name="originals_destroy",
    ),
    path("cameras/<uuid:camera_id>/holds/add/", retention.hold_add, name="hold_add"),
    path("unmasking/", unmasking.unmasking, name="unmasking"),
    path("cameras/<uuid:camera_id>/unmask/", unmasking.unmask_add, name="unmask_add"),
    path("unmasking/<uuid:request_id>/", unmasking.unmask, name="unmask"),
    path("unmasking/<uuid:request_id>/approve/", unmasking.unmask_approve, name="unmask_approve"),
    path("unmasking/<uuid:request_id>/refuse/", unmasking.unmask_refuse, name="unmask_refuse"),
    path("unmasking/<uuid:request_id>/withdraw/", unmasking.unmask_withdraw, name="unmask_withdraw"),
    path("unmasking/<uuid:request_id>/open/", unmasking.unmask_open, name="unmask_open"),
    path("unmasking/<uuid:request_id>/lock/", unmasking.unmask_lock, name="unmask_lock"),
    path("unmasking/<uuid:request_id>/seen/", unmasking.unmask_seen, name="unmask_seen"),
    path("unmasking/<uuid:request_id>/parts/<int:number>.mp4", unmasking.unmask_part, name="unmask_part"),
    path("holds/<uuid:hold_id>/release/", retention.hold_release, name="hold_release"),
]
