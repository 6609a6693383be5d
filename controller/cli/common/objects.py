"""What becomes of an object, in lines: ``+`` it is new, ``-`` it is gone, ``~`` it is another one."""

from typing import TYPE_CHECKING, Any

from controller.cli.common.output import tell

if TYPE_CHECKING:
    from controller.store.rows.rows import Key, Values


def print_object(key: "Key", before: "Values | None", after: "Values | None", indent: str = "") -> None:
    """Print an object before and after a change; None: it is not there."""
    old, new = before or {}, after or {}
    sign, style = ("+", "green") if before is None else ("-", "red") if after is None else ("~", "")
    tell(f"{indent}{sign} {key}", style)
    for name in dict.fromkeys([*old, *new]):
        if name == "name" or old.get(name) == new.get(name):
            continue
        if name in old:
            tell(f"{indent}    - {name}: {_text(old[name])}", "red")
        if name in new:
            tell(f"{indent}    + {name}: {_text(new[name])}", "green")


def _text(value: Any) -> str:
    match value:
        case list():
            return ", ".join(map(str, value)) or "[]"
        case dict():
            return ", ".join(f"{key}={item}" for key, item in value.items())
        case bool():
            return "true" if value else "false"
    return str(value)
