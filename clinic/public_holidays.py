"""Public holidays of a country by year, from the `holidays` library. Plain Python; nothing here closes a day."""

from datetime import date


class UnknownCountry(LookupError):
    """The library has no holidays for this country, or none for this part of it."""


def regions_of(country: str) -> list[str]:
    """The parts of the country that have holidays of their own, as ISO 3166-2 codes; empty for an unknown country."""
    import holidays  # noqa: PLC0415  a fifth of a second that only the page of holidays needs

    return list(holidays.list_supported_countries().get(country, []))


def holidays_of(country: str, year: int, *, region: str = "", language: str = "") -> list[tuple[date, str]]:
    """Day and name of each holiday of the year, in order; named in `language` where the library knows it.

    `country` has two letters (ISO 3166-1). Raises UnknownCountry.
    """
    import holidays  # noqa: PLC0415  as above

    try:
        known = holidays.country_holidays(country, subdiv=region or None)
    except NotImplementedError as error:
        raise UnknownCountry(f"{country} {region}".strip()) from error
    spoken = _closest(language, known.supported_languages) or known.default_language
    named = holidays.country_holidays(country, subdiv=region or None, years=[year], language=spoken)
    return sorted((day, name) for day, name in named.items() if day.year == year)


def _closest(language: str, supported: tuple[str, ...]) -> str | None:
    """The library's code for the language: "en" is "en_US" there."""
    wanted = language.replace("-", "_").partition("_")[0].lower()
    return next((each for each in supported if wanted and each.lower().partition("_")[0] == wanted), None)
