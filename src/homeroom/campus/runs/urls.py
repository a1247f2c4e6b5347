"""Runs of a school's connection, and its people one by one."""

from django.urls import path

from homeroom.campus.runs import (
    contact_page,
    merge_page,
    person,
    rekey_page,
    review_page,
    review_several,
    settings_page,
    undo_page,
    views,
    why_not_page,
    why_page,
)

urlpatterns = [
    path("rostering/settings/", settings_page.sync_settings, name="sync_settings"),
    path("rostering/settings/preview/", settings_page.preview_progress, name="preview_progress"),
    path("rostering/settings/history/", settings_page.settings_history, name="settings_history"),
    path("rostering/runs/", views.runs, name="runs"),
    path("rostering/runs/<int:run_id>/", views.run, name="run"),
    path("rostering/runs/<int:run_id>/progress/", views.progress, name="run_progress"),
    path("rostering/runs/<int:run_id>/decide/", views.decide, name="run_decide"),
    path("rostering/runs/<int:run_id>/why/", why_page.why, name="run_why"),
    path("rostering/runs/<int:run_id>/leave-out/", views.leave, name="run_leave_out"),
    path("rostering/runs/<int:run_id>/undo/", undo_page.undo, name="run_undo"),
    path("rostering/runs/<int:run_id>/rekey/", rekey_page.rekey, name="run_rekey"),
    path("rostering/review/", review_page.reviews, name="reviews"),
    path("rostering/review/several/", review_several.review_several, name="review_several"),
    path("rostering/review/<int:review_id>/", review_page.review_decide, name="review_decide"),
    path("people/why-not/", why_not_page.why, name="why_not"),
    path("people/<int:person_id>/", person.person, name="person"),
    path("people/<int:person_id>/merge/", merge_page.merge, name="person_merge"),
    path("people/<int:person_id>/split/", merge_page.split, name="person_split"),
    path("people/<int:person_id>/merge/undo/", merge_page.undo, name="person_merge_undo"),
    path("people/<int:person_id>/contacts/<int:contact_id>/", contact_page.contact, name="contact"),
    path("people/<int:person_id>/change/", person.change, name="person_change"),
]
