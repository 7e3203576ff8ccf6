"""Model fields whose values lie encrypted in the database and are plain on the instance.

A sealed field cannot be searched or updated in bulk by value: the database only ever sees ciphertext, and a plain value
that would reach it raises. Each read opens the stored bytes anew: to change a JSON value, assign a new one.
"""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any, NoReturn

from django.db import models
from django.db.models.query_utils import DeferredAttribute

from sealdesk.core.vault import DataKey, vault

if TYPE_CHECKING:
    _BinaryField = models.BinaryField[Any, Any]
else:
    _BinaryField = models.BinaryField


class Ciphertext(bytes):
    """Bytes as they are stored; the type tells them from a plain value."""

    __slots__ = ()


class _SealedAttribute(DeferredAttribute):
    field: SealedField

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        if instance is None:
            return self
        stored = super().__get__(instance, cls)
        return self.field.plain(instance, stored) if isinstance(stored, Ciphertext) else stored

    def __set__(self, instance: Any, value: Any) -> None:
        instance.__dict__[self.field.attname] = value


class SealedField(_BinaryField):
    """Bytes in the vault. Only for models that derive from `SealedModel`."""

    descriptor_class = _SealedAttribute

    def from_db_value(self, value: bytes | None, *_: object) -> Ciphertext | None:
        return None if value is None else Ciphertext(value)

    def to_python(self, value: Any) -> Any:
        return value

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        if value is not None and not isinstance(value, Ciphertext):
            raise TypeError(f"{self.name} is sealed: save it on an instance")
        return super().get_db_prep_value(None if value is None else bytes(value), connection, prepared)

    def get_lookup(self, lookup_name: str) -> Any:
        """Only whether there is a value can be asked; Django raises FieldError for every other lookup."""
        return super().get_lookup(lookup_name) if lookup_name == "isnull" else None

    def pre_save(self, model_instance: Any, add: bool) -> Any:  # noqa: ARG002 -- Django's signature
        stored = model_instance.__dict__.get(self.attname)
        if stored is None or isinstance(stored, Ciphertext):
            return stored
        return Ciphertext(model_instance.data_key().seal(self.encode(stored), self._context(model_instance)))

    def value_to_string(self, obj: models.Model) -> NoReturn:
        """Never: dumpdata would write plain text."""
        raise TypeError(f"{self.name} of {type(obj).__name__} is sealed: it is not exported")

    def plain(self, instance: Any, stored: Ciphertext) -> Any:
        """The value that `stored` holds for this instance; VaultError where it does not open."""
        return self.decode(instance.data_key().open(stored, self._context(instance)))

    def encode(self, value: Any) -> bytes:
        """Value to bytes."""
        return bytes(value)

    def decode(self, data: bytes) -> Any:
        """Bytes to value."""
        return data

    def _context(self, instance: SealedModel) -> str:
        return f"{instance.vault_context()}|{self.name}"


class SealedTextField(SealedField):
    """Text in the vault."""

    def encode(self, value: str) -> bytes:
        return value.encode("utf-8", "surrogatepass")

    def decode(self, data: bytes) -> str:
        return data.decode("utf-8", "surrogatepass")


class SealedJSONField(SealedField):
    """A JSON value in the vault."""

    def encode(self, value: Any) -> bytes:
        return json.dumps(value, separators=(",", ":")).encode("ascii")

    def decode(self, data: bytes) -> Any:
        return json.loads(data)


class WrappedKeyField(_BinaryField):
    """The row's data key, wrapped by the master key; made when the row is first saved."""

    def pre_save(self, model_instance: Any, add: bool) -> Any:
        model_instance.data_key()
        return super().pre_save(model_instance, add)


class SealedModel(models.Model):
    """A row with a data key of its own."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    wrapped_key = WrappedKeyField(editable=False, default=b"")

    class Meta:
        abstract = True

    def __getstate__(self) -> dict[str, Any]:
        """Without the unwrapped key: what is pickled may be stored."""
        return {name: value for name, value in super().__getstate__().items() if name != "_unwrapped"}

    def vault_context(self) -> str:
        """What ciphertexts of this row are bound to."""
        concrete = self._meta.concrete_model or type(self)
        return f"{concrete._meta.label_lower}|{self.pk}"  # noqa: SLF001 -- Django's documented model API

    def data_key(self) -> DataKey:
        """The row's data key, unwrapped once for each instance; made on the first call for a new row."""
        context = self.vault_context()
        if not self.wrapped_key:
            self.wrapped_key = vault().new_wrapped_key(context)
        wrapped = bytes(self.wrapped_key)
        cached: tuple[bytes, str, DataKey] | None = self.__dict__.get("_unwrapped")
        if cached is None or cached[:2] != (wrapped, context):
            cached = self.__dict__["_unwrapped"] = (wrapped, context, vault().unwrap(wrapped, context))
        return cached[2]
