"""As the product runs: a commit is answered when it is on the disk. (Other tests do not wait for that.)"""

from clinic.settings import *  # noqa: F403
from clinic.settings import DATABASES

_NOT_ON_DISK = " -c synchronous_commit=off"
assert _NOT_ON_DISK in DATABASES["default"]["OPTIONS"]["options"]
DATABASES["default"]["OPTIONS"]["options"] = DATABASES["default"]["OPTIONS"]["options"].replace(
    _NOT_ON_DISK, ""
)
# Four desks that never rest make more entries in a minute than a person in a day.
ENTRIES_AN_HOUR = ENTRIES_A_DAY = 1_000_000
