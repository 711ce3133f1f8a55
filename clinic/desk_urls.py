"""The front desk's addresses. Names and search words never stand in one: searches are posted."""

from django.urls import path

from clinic.views import (
    appointments,
    book,
    contacts,
    courses,
    diary,
    gallery,
    health,
    offers,
    opening,
    patients,
    review,
    start,
    waitlist,
    walk_ins,
)

app_name = "clinic"

urlpatterns = [
    path("", start.start, name="start"),
    path("health/", health.health, name="health"),
    path("gallery/", gallery.gallery, name="gallery"),
    path("diary/", diary.diary, name="diary"),
    path("diary/waiting/", diary.waiting, name="waiting"),
    path("my-day/", diary.my_day, name="my_day"),
    path("patients/", patients.find, name="patients"),
    path("patients/new/", patients.register, name="patient_new"),
    path("patients/<uuid:patient_id>/edit/", patients.edit, name="patient_edit"),
    path(
        "patients/<uuid:patient_id>/not-a-duplicate/",
        patients.not_a_duplicate,
        name="patient_not_a_duplicate",
    ),
    path("book/", book.choose_patient, name="book"),
    path("patients/<uuid:patient_id>/book/", book.book, name="book_for"),
    path("patients/<uuid:patient_id>/course/", courses.course, name="course_for"),
    path("appointments/<uuid:appointment_id>/", appointments.show, name="appointment"),
    path("appointments/<uuid:appointment_id>/move/", appointments.move, name="appointment_move"),
    path("appointments/<uuid:appointment_id>/cancel/", appointments.cancel, name="appointment_cancel"),
    path("appointments/<uuid:appointment_id>/<slug:step>/", appointments.step, name="appointment_step"),
    path("walk-ins/", walk_ins.note, name="walk_in_note"),
    path("walk-ins/<uuid:walk_in_id>/left/", walk_ins.left, name="walk_in_left"),
    path("contacts/", contacts.show, name="contacts"),
    path("contacts/<uuid:entry_id>/tries/", contacts.record_try, name="contact_try"),
    path("contacts/<uuid:entry_id>/close/", contacts.close, name="contact_close"),
    path("waitlist/", waitlist.show, name="waitlist"),
    path("waitlist/fits/", waitlist.fits, name="waitlist_fits"),
    path("patients/<uuid:patient_id>/waitlist/", waitlist.add, name="waitlist_add"),
    path("waitlist/<uuid:entry_id>/withdraw/", waitlist.withdraw, name="waitlist_withdraw"),
    path("waitlist/<uuid:entry_id>/offer/", offers.offer, name="waitlist_offer"),
    path("waitlist/offers/<uuid:offer_id>/accept/", offers.accept, name="offer_accept"),
    path("waitlist/offers/<uuid:offer_id>/decline/", offers.decline, name="offer_decline"),
    path("opening/", opening.overview, name="opening"),
    path("opening/<slug:kind>/new/", opening.add, name="opening_add"),
    path("opening/<slug:kind>/<str:entry_id>/", opening.show, name="opening_entry"),
    path("opening/<slug:kind>/<str:entry_id>/remove/", opening.remove, name="opening_remove"),
    path("review/", review.review, name="review"),
    path("review/records-opened/", review.records_opened, name="records_opened"),
]
