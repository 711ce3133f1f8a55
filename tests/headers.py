"""The headers that tell browsers what no answer may be used for, and what an answer lacks of them."""

from django.http import HttpResponseBase

ALWAYS = {
    "X-Content-Type-Options": {"nosniff"},
    "X-Frame-Options": {"DENY"},
    "Referrer-Policy": {"same-origin", "no-referrer"},
    "Cross-Origin-Opener-Policy": {"same-origin"},
}


def lacking(answer: HttpResponseBase) -> list[str]:
    """What is missing, or says something else; nothing of an answer that is as it should be."""
    policy = answer.get("Content-Security-Policy", "")
    wrong = [name for name, values in ALWAYS.items() if answer.get(name) not in values]
    if "default-src 'self'" not in policy or "frame-ancestors 'none'" not in policy or "unsafe" in policy:
        wrong.append("Content-Security-Policy")
    if "camera=()" not in answer.get("Permissions-Policy", ""):
        wrong.append("Permissions-Policy")
    if "Cache-Control" not in answer:
        wrong.append("Cache-Control")
    return wrong
