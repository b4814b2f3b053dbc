"""Somebody's estimator as a step: what scikit-learn's `get_params` gives are its settings, and a private copy is what computes."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from explorer.errors import InputError, unknown
from explorer.estimators.declaring import copied, declared, ordered, plain, seeded
from explorer.estimators.fitting import Fitted, fit
from explorer.estimators.writing import distributions, is_estimator, short_name
from explorer.step import Output, Progress, Result, Step


class Estimated(Step):
    """What a layout and clusters by an estimator share. `of` makes a class for each estimator that is given.

    The estimator is copied and never fitted itself. Its results are kept like any other's and found again by the class's short name
    and the settings, unless a setting cannot be written down: then each process computes anew.
    """

    own: ClassVar[tuple[str, ...]] = ()  # settings that are not the estimator's
    fixed: ClassVar[tuple[str, ...]] = ()  # settings of the estimator that the page shows and does not change
    pattern: ClassVar[Any] = None  # an unfitted copy of what was given
    declarations: ClassVar[dict[str, Any]] = {}  # of its settings

    def __init__(self, **settings: Any) -> None:
        self.estimator = copied(self.pattern)
        self._token = uuid.uuid4().hex  # names what cannot be written down, in this process and for this step and its copies
        super().__init__(**settings)

    @classmethod
    def of(cls, estimator: Any) -> Estimated:
        """The step that runs an estimator.

        Raises
        ------
        InputError
            When it is a class, does not follow the contract, or cannot be copied.
        """
        if not is_estimator(estimator):
            raise InputError(f"an estimator is given as an object, not as a class: session.{cls.kind}({estimator.__name__}(...))")
        cls.accept(estimator)
        pattern = seeded(estimator)
        params = ordered(pattern)
        if taken := sorted(set(cls.own) & set(params)):
            raise InputError(f"{short_name(estimator)} has a setting {taken[0]!r}, and so has every {cls.kind} step; rename it")
        parts = [pattern, *(value for value in params.values() if is_estimator(value))]
        body = {
            "method": short_name(pattern), "packages": distributions(parts),
            "pattern": pattern, "declarations": declared(pattern, cls.fixed),
            "__doc__": (type(pattern).__doc__ or f"{type(pattern).__name__}, as it was given.").strip().partition("\n")[0],
            "__module__": cls.__module__,
        }  # fmt: skip
        return type(type(pattern).__name__, (cls,), body)()

    @classmethod
    def accept(cls, estimator: Any) -> None:
        """Raise an InputError unless the estimator has the methods that this kind of step needs; each kind has its own."""

    # Settings

    @classmethod
    def setting_names(cls) -> list[str]:
        """The step's own settings, then the estimator's, those that a card shows at once first."""
        main = [name for name, one in cls.declarations.items() if not one.precedence]
        return [*cls.own, *main, *(name for name in cls.declarations if name not in main)]

    @classmethod
    def _declared(cls, name: str) -> Any:
        if name not in cls.setting_names():
            raise unknown(f"setting of {cls.method!r}", name, cls.setting_names())
        return cls.param[name] if name in cls.own else cls.declarations[name]

    def set(self, **settings: Any) -> None:
        """Change settings, all or none; the estimator says itself, when it runs, whether it takes a value.

        Raises
        ------
        InputError
            For a name that is not a setting, or a value that makes an estimator with other settings.
        """
        for name in settings:
            self._declared(name)
        theirs = {name: value for name, value in settings.items() if name not in self.own}
        made = copied(self.estimator, **theirs) if theirs else self.estimator
        if theirs and list(ordered(made)) != list(ordered(self.estimator)):
            raise InputError(f"{self.method}: {next(iter(theirs))} cannot be changed from here; give the estimator with it")
        super().set(**{name: value for name, value in settings.items() if name in self.own})
        if theirs:
            self.estimator, self._token = made, uuid.uuid4().hex

    @classmethod
    def taken(cls, name: str, value: Any) -> Any:
        """A setting's value as a page sends it, of the type that its control has.

        Raises
        ------
        InputError
            For another type, or a setting that has no control.
        """
        shown = cls._declared(name)
        if name in cls.own:
            return super().taken(name, value)
        if shown.constant:
            raise InputError(f"{cls.method}: {name} cannot be changed on the page; give the estimator with another value")
        value = super().taken(name, value)
        number = {"Number": float, "Integer": int}.get(type(shown).__name__)
        if number is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        wanted = number or (bool if type(shown).__name__ == "Boolean" else str)
        if (value is None and shown.allow_None) or (type(value) is wanted and value == value):
            return value
        raise InputError(f"{cls.method}: {name}={value!r} is not allowed; {name} takes {cls.allowed(name)}")

    def settings(self) -> dict[str, Any]:
        """The settings as plain JSON values."""
        theirs = plain(self.estimator, set())
        return {name: getattr(self, name) if name in self.own else theirs[name] for name in self.setting_names()}

    def copy(self) -> Estimated:
        """A private copy, with an unfitted copy of the estimator."""
        made = type(self)(**{name: getattr(self, name) for name in self.own})
        made.estimator, made._token = copied(self.estimator), self._token
        return made

    # What is kept, and for how long

    def lost(self) -> list[str]:
        """What of the estimator cannot be written down, in words."""
        lost: set[str] = set()
        plain(_In(self.estimator), lost)
        return sorted(lost)

    def outside(self) -> str:
        """Nothing, or a name that no other process has, where a setting cannot be written down."""
        return self._token if self.lost() else ""

    # Running

    def fitted(self, work: Any, progress: Progress) -> Fitted:
        """What `work` makes of a fresh copy of the estimator."""
        model = copied(self.estimator)
        return fit(self.method, lambda: work(model), progress)

    def told(self, made: Output) -> Output:
        """With a note about what cannot be written down."""
        if not (lost := self.lost()):
            return made
        what = "; ".join(lost)
        return made._replace(notes=(*made.notes, f"computed anew in every process, because this cannot be written down: {what}"))


class _In:
    """An estimator as the one setting of another, so that its own class is looked at as well."""

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The one setting."""
        return {"estimator": self.estimator}


class Recorded(Step):
    """A step of which only the record is left: it shows its settings, and running it says what to give."""

    record: ClassVar[dict[str, Any]] = {}

    @classmethod
    def of(cls, result: Result) -> Recorded:
        """The step that a result of an estimator was made by, as far as it is written down."""
        return type("Recorded", (cls,), {"kind": result.kind, "method": result.method, "record": dict(result.settings)})()

    @classmethod
    def setting_names(cls) -> list[str]:
        """The names that are written down."""
        return list(cls.record)

    @classmethod
    def _declared(cls, name: str) -> Any:
        import param

        if name not in cls.record:
            raise unknown(f"setting of {cls.method!r}", name, list(cls.record))
        return param.Parameter(cls.record[name], constant=True, doc="As it was when this result was made.", precedence=1)

    def set(self, **settings: Any) -> None:
        """Refuse any change: there is nothing that it could be tried on."""
        if settings:
            raise self._gone()

    def settings(self) -> dict[str, Any]:
        """The settings as they are written down."""
        return dict(self.record)

    def copy(self) -> Recorded:
        """Another of the same record."""
        return type(self)()

    def apply(self, data: Any, progress: Progress) -> Output:
        raise self._gone()

    def _gone(self) -> InputError:
        return gone(self.kind, self.method)


def gone(kind: str, method: str) -> InputError:
    """What to say where only an estimator's name is left."""
    short = method.rpartition(".")[2]
    return InputError(
        f"{method!r} was an estimator that somebody gave, and no file keeps one; give it again, session.{kind}({short}(...)) or "
        f"explorer.Explorer(..., steps={{{kind!r}: {short}(...)}}), or choose another method"
    )


__all__ = ["Estimated", "Recorded", "gone"]
