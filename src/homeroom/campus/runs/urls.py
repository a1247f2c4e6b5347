"""Runs of a school's connection, and its people one by one."""

from django.urls import path

from homeroom.campus.runs.views import (
    contact,
    merge,
    person,
    rekey,
    review,
    review_several,
    runs,
    settings,
    undo,
    why,
    why_not,
)

urlpatterns = [
    path("rostering/settings/", settings.sync_settings, name="sync_settings"),
    path("rostering/settings/preview/", settings.preview_progress, name="preview_progress"),
    path("rostering/settings/history/", settings.settings_history, name="settings_history"),
    path("rostering/runs/", runs.runs, name="runs"),
    path("rostering/runs/<int:run_id>/", runs.run, name="run"),
    path("rostering/runs/<int:run_id>/progress/", runs.progress, name="run_progress"),
    path("rostering/runs/<int:run_id>/decide/", runs.decide, name="run_decide"),
    path("rostering/runs/<int:run_id>/why/", why.why, name="run_why"),
    path("rostering/runs/<int:run_id>/leave-out/", runs.leave, name="run_leave_out"),
    path("rostering/runs/<int:run_id>/undo/", undo.undo, name="run_undo"),
    path("rostering/runs/<int:run_id>/rekey/", rekey.rekey, name="run_rekey"),
    path("rostering/review/", review.reviews, name="reviews"),
    path("rostering/review/several/", review_several.review_several, name="review_several"),
    path("rostering/review/<int:review_id>/", review.review_decide, name="review_decide"),
    path("people/why-not/", why_not.why, name="why_not"),
    path("people/<int:person_id>/", person.person, name="person"),
    path("people/<int:person_id>/merge/", merge.merge, name="person_merge"),
    path("people/<int:person_id>/split/", merge.split, name="person_split"),
    path("people/<int:person_id>/merge/undo/", merge.undo, name="person_merge_undo"),
    path("people/<int:person_id>/contacts/<int:contact_id>/", contact.contact, name="contact"),
    path("people/<int:person_id>/change/", person.change, name="person_change"),
]
