"""Calendar feeds: the list, making and revoking one; and the address itself, which needs no sign-in."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clinic import feeds as calendars
from clinic.actions import feeds
from clinic.errors import DomainError
from clinic.forms.feeds import FeedForm
from clinic.models import CalendarFeed, User
from clinic.rules import feeds as rules
from clinic.views.posted import one_page

PAGE = 20
READS_A_MINUTE = 60
_PLAIN = "text/plain; charset=utf-8"


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """The feeds this person may see, newest first, with who made them and when they were last read."""
    known = CalendarFeed.objects.visible_to(request.user)
    page = one_page(request, known.with_people(), PAGE)
    shown = [each.pk for each in page.rows]
    working = set(known.working().filter(pk__in=shown).values_list("pk", flat=True))
    context = {
        "feeds": [{"feed": each, "works": each.pk in working} for each in page.rows],
        "may_make": _may_make(request.user),
        **page.links(lambda number: f"?page={number}"),
    }
    return render(request, "clinic/feeds.html", context)


@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Make a feed; the answer shows its address, once."""
    form = FeedForm(request.POST if request.method == "POST" else None, user=request.user)
    if not form.owners:
        rules.check_may_keep_feed(request.user, None)
    if request.method == "GET" or not form.is_valid():
        return render(request, "clinic/feed_new.html", {"form": form}, status=422 if form.errors else 200)
    try:
        feed, secret = feeds.make(**form.cleaned_data, by=request.user, at=timezone.now())
    except DomainError as refusal:
        form.add_domain_error(refusal)
        return render(request, "clinic/feed_new.html", {"form": form}, status=refusal.status)
    address = request.build_absolute_uri(reverse("clinic:calendar", args=[secret]))
    context = {"feed": feed, "address": address, "subscribe": f"webcal://{address.partition('://')[2]}"}
    response = render(request, "clinic/feed_made.html", context, status=201)
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@require_http_methods(["GET", "POST"])
def revoke(request: HttpRequest, feed_id: UUID) -> HttpResponse:
    """End an address, after asking."""
    feed = get_object_or_404(CalendarFeed.objects.visible_to(request.user).with_people(), pk=feed_id)
    rules.check_may_keep_feed(request.user, feed.practitioner)
    if request.method == "GET":
        return render(request, "clinic/feed_revoke.html", {"feed": feed})
    try:
        feeds.revoke(feed=feed, by=request.user, at=timezone.now())
    except DomainError as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, _("The address of “%(feed)s” no longer works.") % {"feed": feed.name})
    return redirect("clinic:feeds")


@login_not_required
@require_safe
def calendar(request: HttpRequest, secret: str) -> HttpResponse:
    """The calendar behind a secret address: 304 where nothing has changed, 404 where there is none (any more)."""
    now = timezone.now()
    feed = calendars.feed_at(secret)
    if feed is None:
        # The same few words whether it never was, was revoked, or its maker has left.
        return _private(HttpResponse(_("There is no calendar at this address."), _PLAIN, 404))
    if _too_often(feed, minute=int(now.timestamp()) // 60):
        answer = HttpResponse(_("Read too often. Try again in a minute."), _PLAIN, 429)
        answer.headers["Retry-After"] = "60"
        return _private(answer)
    entries = calendars.entries_of(feed, at=now)
    etag = calendars.fingerprint(feed, entries)
    feeds.note_read(feed=feed, at=now)
    answer = get_conditional_response(request, etag=etag)
    if answer is None:
        answer = HttpResponse(calendars.written(feed, entries, at=now), "text/calendar; charset=utf-8")
        answer.headers["Content-Disposition"] = 'inline; filename="mesoclinic.ics"'
    answer.headers["ETag"] = etag
    return _private(answer)


def _too_often(feed: CalendarFeed, *, minute: int) -> bool:
    """More than 60 reads in this minute. Counted for addresses that exist, so that nobody can fill the cache."""
    key = f"feed-{feed.pk}-{minute}"
    reads = cache.get(key, 0) + 1
    cache.set(key, reads, timeout=120)
    return reads > READS_A_MINUTE


def _private(answer: HttpResponse) -> HttpResponse:
    """Kept by the program that asked and by nobody between; the address goes nowhere else."""
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["X-Robots-Tag"] = "noindex"
    return answer


def _may_make(user: User) -> bool:
    return bool(FeedForm(user=user).owners)
