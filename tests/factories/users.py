"""Members of staff."""

import factory
from factory.django import DjangoModelFactory, Password

from clinic.enums import Role
from clinic.models import User

PASSWORD = "correct horse battery staple"


class UserFactory(DjangoModelFactory):
    """A user without roles; `reception=True`, `practitioner=True` or `admin=True` gives one, `roles=[…]` several."""

    class Meta:
        model = User

    class Params:
        reception = factory.Trait(roles=[Role.RECEPTION])
        practitioner = factory.Trait(roles=[Role.PRACTITIONER])
        admin = factory.Trait(roles=[Role.ADMIN], is_staff=True, is_superuser=True)

    username = factory.Sequence(lambda n: f"user{n}")
    first_name = "Uma"
    last_name = factory.Sequence(lambda n: f"Keller {n:05}")
    email = factory.LazyAttribute(lambda user: f"{user.username}@clinic.example")
    password = Password(PASSWORD)
    roles = factory.LazyFunction(list)
