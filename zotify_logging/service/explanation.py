"""What would become of a record, told as data: each hurdle on its way and whether it passes."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Explanation", "Step"]


@dataclass(frozen=True)
class Step:
    """One hurdle on the way of a record.

    Attributes:
        kind: ``logger``, ``filter``, ``propagation``, ``handler``, ``dispatch`` or ``last_resort``.
        name: of the logger or handler.
        passes: whether the record gets past; ``None`` where that depends on the single record.
        why: the rule that decides, and where it is set.
    """

    kind: str
    name: str
    passes: bool | None
    why: str

    def as_dict(self) -> dict[str, object]:
        """Return the step as JSON can carry it."""
        return {"kind": self.kind, "name": self.name, "passes": self.passes, "why": self.why}

    def __str__(self) -> str:
        """Return one line for people."""
        mark = {True: "yes", False: "no", None: "maybe"}[self.passes]
        return f"{mark:<6}{self.kind} {self.name}: {self.why}"


@dataclass(frozen=True)
class Explanation:
    """The way of a record of one logger and level through the logging tree.

    Attributes:
        logger: name of the logger that the record is logged on.
        level: the record's level by name.
        level_no: the same as a number.
        steps: every hurdle, in the order in which the record meets them. They go on after the first
            that refuses it, so that the second reason shows as well.
        accepted_by: names of the handlers that take the record for sure.
        depends: names of those that decide by the single record: a filter, or a selection of their
            own (audit events, records of a job).
    """

    logger: str
    level: str
    level_no: int
    steps: tuple[Step, ...]
    accepted_by: tuple[str, ...]
    depends: tuple[str, ...] = ()

    @property
    def refusals(self) -> tuple[Step, ...]:
        """The steps that refuse the record."""
        return tuple(step for step in self.steps if step.passes is False)

    def as_dict(self) -> dict[str, object]:
        """Return the explanation as JSON can carry it."""
        return {
            "logger": self.logger,
            "level": self.level,
            "level_no": self.level_no,
            "steps": [step.as_dict() for step in self.steps],
            "accepted_by": list(self.accepted_by),
            "depends": list(self.depends),
        }

    def __str__(self) -> str:
        """Return the way for people, one step a line."""
        taken = ", ".join(self.accepted_by) or ("perhaps" if self.depends else "nobody")
        if self.depends:
            taken += f" (by the single record: {', '.join(self.depends)})"
        lines = [f"{self.logger}@{self.level}", *(f"  {step}" for step in self.steps)]
        return "\n".join([*lines, f"  taken by {taken}"])
