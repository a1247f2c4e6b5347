"""Secured users: the list, the steps of adding one, and the API button."""

from django.urls import path

from homeroom.sis.secured_users import views

urlpatterns = [
    path("", views.secured_users, name="secured_users"),
    path("add/", views.add, name="secured_user_add"),
    path("<int:user_id>/address/", views.address, name="secured_user_address"),
    path("<int:user_id>/contact/", views.contact, name="secured_user_contact"),
    path("<int:user_id>/security/", views.security, name="secured_user_security"),
    path("<int:user_id>/api/", views.api, name="secured_user_api"),
]
