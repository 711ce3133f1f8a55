"""What a page is about, with all that it names, each kind in one query that is planned once for a connection.

PostgreSQL compares the orders of a dozen tables and more, all read by their keys, for far longer than it then reads them: for
a session 21 ms and 0.7.
"""

from clinic.prepared import RowsFor
from consultations.models import AdverseEvent, EnteredInError, PatchTest, Photo, Review, Session

TESTS: RowsFor[PatchTest] = RowsFor(
    PatchTest.objects.select_related(
        "search",
        "patient",
        "practitioner",
        "plan",
        "formula",
        "policy",
        "signed_by",
        "deviation",
        "entered_in_error",
    ),
    by="pk",
)
SESSIONS: RowsFor[Session] = RowsFor(
    Session.objects.select_related(
        "patient",
        "appointment",
        "practitioner__user",
        "technique",
        "device",
        "planned__formula",
        "plan__indication",
        "plan__formula",
        "plan__template",
        "signed_by",
        "deviation__recorded_by",
        "entered_in_error",
        "typing__typed_by",
        "aftercare_sheet__handed_by",
    ),
    by="pk",
)
EVENTS: RowsFor[AdverseEvent] = RowsFor(
    AdverseEvent.objects.select_related(
        "patient",
        "reaction",
        "zone",
        "plan__indication",
        "session__planned",
        "patch_test",
        "device",
        "practitioner",
        "room",
        "signed_by",
        "supersedes__reaction",
        "report",
        "follow_up__rule",
    ),
    by="pk",
)
REVIEWS: RowsFor[Review] = RowsFor(
    Review.objects.select_related(
        "patient",
        "practitioner__user",
        "rule",
        "plan__indication",
        "plan__template",
        "plan__consultation__practitioner",
        "signed_by",
        "entered_in_error",
    ),
    by="pk",
)
PHOTOS: RowsFor[Photo] = RowsFor(
    Photo.objects.shown().select_related(
        "patient",
        "view",
        "recorded_by",
        "review__rule",
        "review__plan",
        "session__planned",
        "session__plan",
        "plan__indication",
        "adverse_event__reaction",
    ),
    by="pk",
)
ERRORS: RowsFor[EnteredInError] = RowsFor(EnteredInError.objects.with_records(), by="pk")
