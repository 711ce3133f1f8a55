"""What a browser calls itself, in people's words: "Firefox on Windows", "Safari on iPhone".

Only what tells one's own devices apart. Anybody can send anything, and an iPad may say that it is a Mac: nothing is decided
by it. Browsers have long stopped saying more of themselves than this, so a table of some lines is enough.
"""

from django.utils.translation import gettext as _

LONGEST = 300
# The first that is found counts: most browsers also name those whose pages they can show.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_DEVICES = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "Chromebook"),
    ("Macintosh", "Mac"),
    ("Linux", "Linux"),
)
_IN_THE_HAND = frozenset({"iPhone", "iPad", "Android"})


def in_words(user_agent: str) -> str:
    """Browser and device; what is not known is left out or said."""
    browser, device = _first(_BROWSERS, user_agent), _first(_DEVICES, user_agent)
    if browser and device:
        return _("%(browser)s on %(device)s") % {"browser": browser, "device": device}
    return browser or device or _("Unknown browser")


def is_in_the_hand(user_agent: str) -> bool:
    """Whether it is a telephone or a tablet."""
    return _first(_DEVICES, user_agent) in _IN_THE_HAND


def _first(known: tuple[tuple[str, str], ...], user_agent: str) -> str:
    return next((name for sign, name in known if sign in user_agent), "")
