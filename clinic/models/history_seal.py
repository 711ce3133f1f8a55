"""The chain over the history: whatever was written is sealed some minutes later, so that nobody changes it unseen."""

import hashlib
import json
from datetime import UTC
from typing import Self

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clinic.db import check, guard, refuse, refuse_truncate
from clinic.models.user import User


class HistorySealQuerySet(models.QuerySet):
    """Questions about the chain."""

    def in_order(self) -> Self:
        """From the first seal to the newest."""
        return self.order_by("number")

    def replacements(self) -> Self:
        """Those that seal anew what had been sealed before: after names were taken out, say."""
        return self.exclude(reason="")


class HistorySeal(models.Model):
    """One link of the chain: the entries of one table of the history after `after` up to `last`, and a digest of each.

    A digest is salted, so that it does not give away what it was made of. Without its salt nothing can be told from it
    any more: whoever takes a name out of the history destroys the salt and seals the entry anew, with the reason.
    """

    number = models.PositiveBigIntegerField(_("number"), primary_key=True)
    sealed_at = models.DateTimeField(_("sealed at"))
    sealed_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("sealed anew by")
    )
    reason = models.TextField(_("why sealed anew"), blank=True)
    table = models.CharField(_("table"), max_length=100)
    columns = ArrayField(models.TextField(), verbose_name=_("columns"))
    after = models.BigIntegerField(_("after the entry"))
    last = models.BigIntegerField(_("last entry"))
    entries = ArrayField(models.BigIntegerField(), verbose_name=_("entries"))
    salts = ArrayField(models.UUIDField(null=True), verbose_name=_("salts"))
    digests = ArrayField(models.BinaryField(), verbose_name=_("digests"))
    link = models.CharField(_("link"), max_length=64, unique=True)

    objects = HistorySealQuerySet.as_manager()

    class Meta:
        verbose_name = _("seal of the history")
        verbose_name_plural = _("seals of the history")
        indexes = [models.Index("table", "last", name="history_seal_table")]
        constraints = [
            check(
                "history_seal_reason_and_person",
                Q(reason="", sealed_by=None) | (~Q(reason="") & Q(sealed_by__isnull=False)),
                _("Whoever seals entries anew says why."),
            ),
            check(
                "history_seal_is_a_digest",
                Q(link__regex=r"^[0-9a-f]{64}$"),
                _("A link is a SHA-256."),
            ),
        ]
        triggers = [
            guard(
                "history_seal_final",
                operation=pgtrigger.Update | pgtrigger.Delete,
                func=f"""
                    IF TG_OP = 'DELETE' OR to_jsonb(NEW) - 'salts' <> to_jsonb(OLD) - 'salts' OR EXISTS (
                        SELECT FROM unnest(OLD.salts, NEW.salts) AS salt(before, after)
                        WHERE after IS NOT NULL AND after IS DISTINCT FROM before
                    ) THEN
                        {refuse("history_seal_final", "A seal never changes; only a salt can be destroyed.")}
                    END IF;
                    RETURN NEW;
                """,
            ),
            refuse_truncate("history_seal_no_truncate"),
        ]

    def __str__(self) -> str:
        return f"{self.number}:{self.link}"

    def linked_to(self, previous: str) -> str:
        """What `link` has to be where the link before is `previous`: a digest of both. Salts are not in it."""
        said = [
            previous,
            self.number,
            self.sealed_at.astimezone(UTC).isoformat(),
            str(self.sealed_by_id or ""),
            self.reason,
            self.table,
            self.columns,
            self.after,
            self.last,
            self.entries,
            [bytes(each).hex() for each in self.digests],
        ]
        return hashlib.sha256(json.dumps(said, separators=(",", ":")).encode()).hexdigest()
