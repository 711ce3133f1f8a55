"""The database's own word on the device of a session. Twin: `rules.sessions`, with `clinic.rules.device_care`."""

import pgtrigger

from clinic.db import guard, refuse

_IS_OUT_OF_USE = """
    'out_of_use' = (
        SELECT care.kind FROM clinic_devicecare care
        LEFT JOIN clinic_devicecareerror error ON error.care_id = care.id
        WHERE care.device_id = NEW.device_id AND care.kind IN ('out_of_use', 'back_in_use')
            AND care.recorded_at <= NEW.{moment}
            AND (error.id IS NULL OR care.kind = 'back_in_use' AND error.recorded_at > NEW.{moment})
        ORDER BY care.recorded_at DESC, care.happened_at DESC, care.id LIMIT 1
    )
"""

# A device that was taken out of use during the session, or brought back, was in use when somebody reached for it.
DEVICE_IN_USE = guard(
    "session_device_in_use",
    operation=pgtrigger.Insert | pgtrigger.UpdateOf("signed_at"),
    func=f"""
        IF NEW.signed_at IS NOT NULL AND NEW.outcome <> 'not_given' AND NEW.deviation_id IS NULL
            AND {_IS_OUT_OF_USE.format(moment="started_at")}
            AND {_IS_OUT_OF_USE.format(moment="signed_at")}
        THEN
            {refuse("session_device_in_use", "This device is out of use. Choose the one you used.")}
        END IF;
        RETURN NEW;
    """,
)
