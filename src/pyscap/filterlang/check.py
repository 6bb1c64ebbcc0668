"""From a tree to a tree whose parts have types, or to an error that says what is wrong and where.

In:  `ast.Node` without names of macros or lists. Out: `typed.Condition`. Next: `lower.py`.
"""

from __future__ import annotations

from typing import NoReturn

from pyscap.filterlang import regex, values
from pyscap.filterlang.ast import (
    And,
    Argument,
    Array,
    Call,
    Check,
    Field,
    ListName,
    Macro,
    Node,
    Not,
    Number,
    Text,
    Val,
    Values,
)
from pyscap.filterlang.errors import FilterError, Span
from pyscap.filterlang.functions import FUNCTIONS, FunctionSpec
from pyscap.filterlang.typed import (
    All,
    Any,
    Apply,
    Comparison,
    Condition,
    Const,
    Items,
    Negation,
    Operand,
    Type,
    Use,
)
from pyscap.model.events import EVENTS
from pyscap.model.fields import EVENT_NAMES, FieldError, FieldRef, nearest, resolve

Right = Const | tuple[Const, ...] | Use | Apply | None

_NUMBERS = {
    "int": "INT8 INT16 INT32 INT64 ERRNO FD PID",
    "uint": "UINT8 UINT16 UINT32 UINT64 RELTIME ABSTIME UID GID MODE SIGTYPE SYSCALLID L4PROTO "
    "SOCKFAMILY FLAGS8 FLAGS16 FLAGS32 ENUMFLAGS8 ENUMFLAGS16 ENUMFLAGS32 UINT",
}
_WIDTHS = {"ERRNO": 64, "FD": 64, "PID": 64, "RELTIME": 64, "ABSTIME": 64, "UID": 32, "GID": 32,
           "MODE": 32, "SIGTYPE": 8, "SYSCALLID": 16, "L4PROTO": 8, "SOCKFAMILY": 8}  # fmt: skip
_OTHERS = {"CHARBUF": "text", "FSPATH": "text", "FSRELPATH": "text", "BYTEBUF": "bytes",
           "BOOL": "bool", "DOUBLE": "double", "IPADDR": "ip", "IPNET": "net"}  # fmt: skip


def _type_table() -> dict[str, Type]:
    """Types by their name in the catalogue and in the event table."""
    table = {name: Type(name, family) for name, family in _OTHERS.items()}
    for family, names in _NUMBERS.items():
        for name in names.split():
            bits = _WIDTHS.get(name) or int(name.lstrip("UINTFLAGSEM") or 64)
            table[name] = Type(name, family, bits)
    table["PORT"] = Type("PORT", "port", 16)
    return table


TYPES = _type_table()
TEXT = TYPES["CHARBUF"]
TEXTS = Type("CHARBUF", "text", is_list=True)
_OPAQUE = "opaque"

_EQUAL = ("=", "!=")
_ORDER = ("<", "<=", ">", ">=")
_SETS = ("in", "intersects")
_FIND = ("contains", "startswith", "endswith")
_TEXT_ONLY = ("icontains", "glob", "iglob", "regex", "pmatch")
OPERATORS: dict[str, tuple[str, ...]] = {
    "text": (*_EQUAL, *_ORDER, *_FIND, *_TEXT_ONLY, *_SETS),
    "bytes": (*_EQUAL, *_FIND, "bcontains", "bstartswith", *_SETS),
    "int": (*_EQUAL, *_ORDER, *_SETS),
    "uint": (*_EQUAL, *_ORDER, *_SETS),
    "port": (*_EQUAL, *_ORDER, *_SETS),
    "double": (*_EQUAL, *_ORDER, *_SETS),
    "bool": (*_EQUAL, *_SETS),
    "ip": (*_EQUAL, *_SETS),
    "net": (*_EQUAL, *_SETS),
    _OPAQUE: (),
}
"""Operators by family of the left side; `exists` is for all."""

SEARCHING = (*_FIND, "icontains", "glob", "iglob", "regex")
"""Operators that look for a part or a pattern, so that their value need not be a whole name."""

_NOT_DYNAMIC = ("regex", "pmatch")
"""Operators whose right side is prepared before the run, so that it cannot be a field."""


def _param_types() -> dict[str, Type]:
    """The type of `evt.rawarg.NAME`: that of the first event parameter of the name.

    Numbers are as wide as the widest parameter of that name.
    Source: observed: sysdig 0.41.4, the first parameter of that name in the event table.
    """
    table: dict[str, Type] = {}
    for spec in EVENTS:
        for param in spec.params:
            if param.type == "UNKNOWN":
                continue
            new = TYPES.get(param.type, Type(param.type, _OPAQUE))
            if new.family == "bytes":
                new = Type(param.type, _OPAQUE)
            old = table.setdefault(param.name, new)
            if old.family == new.family and new.bits > old.bits:
                table[param.name] = new
    return table


_PARAM_TYPES = _param_types()
_IDS = {"user.uid": "UID", "group.gid": "GID"}
"""Fields whose -1 is the kernel's `(uid_t)-1`, no id. Source: setreuid(2)."""


class Checker:
    """Types the parts of one filter; stops at the first error."""

    def __init__(self, text: str) -> None:
        """Remember the text for errors.

        Args:
            text: The filter that the tree was read from.
        """
        self.text = text

    def condition(self, node: Node) -> Condition:
        """Type a tree.

        Args:
            node: A tree without names of macros and lists.

        Returns:
            The typed tree, of the same shape.

        Raises:
            FilterError: A name, type or value that cannot be.
        """
        if isinstance(node, Check):
            return self._check(node)
        if isinstance(node, Not):
            return Negation(self.condition(node.part))
        if isinstance(node, Macro):
            self._unknown_name(node)
        parts = tuple(map(self.condition, node.parts))
        return All(parts) if isinstance(node, And) else Any(parts)

    def _fail(
        self,
        message: str,
        span: Span,
        *,
        expected: tuple[str, ...] = (),
        suggestion: str | None = None,
    ) -> NoReturn:
        raise FilterError(message, self.text, span, expected=expected, suggestion=suggestion)

    def _unknown_name(self, node: Macro) -> NoReturn:
        if node.name.startswith("@"):
            self._fail(f"no saved filter has the name {node.name[1:]}", node.span)
        if node.name.lower() in ("and", "or", "not"):
            msg = f"a condition is missing beside {node.name}"
            self._fail(msg, node.span, expected=("a field", "a function", "("))
        msg = f"{node.name} is neither a comparison nor the name of a macro"
        self._fail(msg, node.span, suggestion=f"proc.name={node.name}")

    def _check(self, node: Check) -> Comparison:
        left = self._operand(node.left)
        if not isinstance(left, Use | Apply):
            self._fail("a constant cannot stand left of an operator", node.left.span)
        self._operator(node, left)
        right = self._right(node, left)
        return Comparison(left, node.operator, right, node.quantifier, node)

    # -- left side and arguments

    def _operand(self, node: Argument) -> Operand:
        if isinstance(node, Field):
            return self._field(node)
        if isinstance(node, Call):
            return self._call(node)
        if isinstance(node, Array):
            return Items(tuple(map(self._operand, node.items)))
        text = node.spelling if isinstance(node, Number) else node.value
        if "\0" in text:
            self._fail("a text cannot hold a NUL byte", node.span)
        return Const("text", text)

    def _field(self, node: Field) -> Use:
        ref = self._resolve(node)
        return Use(ref, type_of(ref))

    def _resolve(self, node: Field) -> FieldRef:
        try:
            return resolve(node.text)
        except FieldError as error:
            self._fail(error.message, node.span, suggestion=error.suggestion)

    def _call(self, node: Call) -> Apply:
        spec = FUNCTIONS.get(node.name)
        name_span = Span(node.span.start, node.span.start + len(node.name))
        if node.name == "val":
            self._fail("val() can only stand right of an operator", name_span)
        if spec is None:
            near = nearest(node.name, FUNCTIONS)
            msg = f"there is no function {node.name}()"
            self._fail(
                msg, name_span, expected=(*FUNCTIONS, "val"), suggestion=next(iter(near), None)
            )
        self._arity(node, spec)
        args = tuple(map(self._operand, node.arguments))
        kinds = spec.args + spec.args[-1:] * (len(args) - len(spec.args))
        for argument, arg, kind in zip(node.arguments, args, kinds, strict=True):
            self._argument(node.name, argument, arg, kind)
        return Apply(node.name, args, self._result(node, spec, args), node.index)

    def _arity(self, node: Call, spec: FunctionSpec) -> None:
        count = len(node.arguments)
        if count < spec.minimum or (count > len(spec.args) and not spec.repeats):
            number = f"at least {spec.minimum}" if spec.repeats else str(spec.minimum)
            plural = "" if number == "1" else "s"
            msg = f"{spec.name}() takes {number} argument{plural}, not {count}"
            self._fail(msg, node.span)

    def _argument(self, function: str, node: Argument, arg: Operand, kind: str) -> None:
        """Refuse an argument of the wrong type."""
        if isinstance(arg, Use) and arg.ref.spec.has("no_transformer"):
            msg = f"{arg.ref.spec.name} cannot be given to a function"
            self._fail(msg, node.span)
        if isinstance(arg, Apply) and arg.function == "getopt" and kind == "list":
            self._fail(f"{function}() cannot take what getopt() yields", node.span)
        found = _kind(arg)
        if found not in kind.split("|"):
            names = {"text|bytes": "text or a byte buffer", "text|bytes|list": "text or a list"}
            msg = f"{function}() takes a {names.get(kind, kind)} here, not a {_words(arg)}"
            self._fail(msg, node.span)

    def _result(self, node: Call, spec: FunctionSpec, args: tuple[Operand, ...]) -> Type:
        if node.index is not None and spec.name != "getopt":
            self._fail("only getopt() takes an argument in brackets", node.span)
        if spec.result == "list":
            return TEXTS if node.index is None else TEXT
        if spec.result == "same" and _kind(args[0]) == "bytes":
            return TYPES["BYTEBUF"]
        return TYPES["UINT64"] if spec.result == "uint" else TEXT

    # -- operator

    def _operator(self, node: Check, left: Use | Apply) -> None:
        """Refuse an operator that the type of the left side does not have."""
        if node.operator == "exists":
            return
        allowed = _operators(left)
        if node.operator in allowed:
            return
        what = str(node.left)
        if left.type.family == _OPAQUE:
            msg = f"{what} cannot be compared; {_instead(left)}"
        else:
            msg = f"{node.operator} cannot be applied to {what}, which is a {left.type}"
        self._fail(msg, node.operator_span, expected=(*allowed, "exists"))

    # -- right side

    def _right(self, node: Check, left: Use | Apply) -> Right:
        right = node.right
        if right is None:
            return None
        if isinstance(right, Val):
            return self._other_side(node, left, self._field(right.field), right.span)
        if isinstance(right, Call):
            return self._other_side(node, left, self._call(right), right.span)
        if isinstance(right, ListName):
            msg = f"{right.name} is not the name of a list"
            self._fail(msg, right.span, suggestion=f"({right.name})")
        if isinstance(right, Values):
            return tuple(self._constant(node, left, item) for item in right.items)
        return self._constant(node, left, right)

    def _other_side(
        self, node: Check, left: Use | Apply, right: Use | Apply, span: Span
    ) -> Use | Apply:
        """A field or function on the right: of the same type, and comparable at all."""
        if node.operator in _NOT_DYNAMIC:
            msg = f"{node.operator} takes constants only"
            self._fail(msg, span)
        for side, place in ((left, node.left.span), (right, span)):
            if isinstance(side, Use) and side.ref.spec.has("no_field_comparison"):
                msg = f"{side.ref.spec.name} cannot be compared with a field or function"
                self._fail(msg, place)
        if (left.type.name, left.type.is_list) != (right.type.name, right.type.is_list):
            msg = (
                f"both sides must have the same type: left is {left.type.name}, "
                f"right is {right.type.name}"
            )
            self._fail(msg, span)
        return right

    def _constant(self, node: Check, left: Use | Apply, item: Text | Number) -> Const:
        text = item.spelling if isinstance(item, Number) else item.value
        try:
            if node.operator in ("bcontains", "bstartswith"):
                return values.from_hex(text)
            if names_event(left) and node.operator not in SEARCHING:
                _event_name(text)
            const = values.convert(text, _element(left.type), str(node.left))
        except values.BadValue as error:
            self._fail(
                error.message, item.span, expected=error.expected, suggestion=error.suggestion
            )
        if node.operator == "regex":
            return Const("text", self._regex(text, item))
        return const

    def _regex(self, text: str, item: Text | Number) -> str:
        try:
            return regex.translate(text)
        except regex.RegexError as error:
            span = item.span
            if isinstance(item, Text) and span.end - span.start - 2 * item.quoted == len(text):
                at = span.start + item.quoted + error.offset
                span = Span(at, at + 1)
            self._fail(error.message, span, suggestion=error.suggestion)


def type_of(ref: FieldRef) -> Type:
    """The type of a field.

    Args:
        ref: The field; its argument decides the type of `evt.rawarg`.

    Returns:
        Its type.
    """
    spec = ref.spec
    if spec.type == "DYNAMIC":
        return param_type(str(ref.argument))
    base = TYPES[_IDS.get(spec.name, spec.type)]
    name = spec.type
    return Type(_IDS.get(spec.name, name), base.family, base.bits, spec.is_list)


def param_type(name: str) -> Type:
    """The type of the event parameters called `name`.

    Args:
        name: One of `EVENT_PARAM_NAMES`.

    Returns:
        The type; its family is `opaque` when such parameters cannot be compared.
    """
    return _PARAM_TYPES.get(name, Type("UNKNOWN", _OPAQUE))


def _element(type_: Type) -> Type:
    return Type(type_.name, type_.family, type_.bits) if type_.is_list else type_


def _kind(arg: Operand) -> str:
    """What an operand is for a function."""
    if isinstance(arg, Items):
        return "list"
    if isinstance(arg, Const):
        return "text"
    return "list" if arg.type.is_list else arg.type.family


def _words(arg: Operand) -> str:
    if isinstance(arg, Use | Apply):
        return str(arg.type)
    return "list" if isinstance(arg, Items) else "text"


def _operators(left: Use | Apply) -> tuple[str, ...]:
    if isinstance(left, Use) and left.ref.spec.name == "evt.around":
        return ("=",)
    if left.type.is_list:
        return _SETS
    return OPERATORS[left.type.family]


def _instead(left: Use | Apply) -> str:
    """What to use in place of a parameter that has no comparable value."""
    name = left.ref.argument if isinstance(left, Use) else ""
    return f"exists tests for it, evt.arg.{name} is its text"


_KEEPS_NAME: tuple[str, ...] = ("tolower", "toupper", "basename", "b64")


def names_event(left: Use | Apply) -> bool:
    """Whether the left side is the name of an event, so that values can be checked.

    Args:
        left: The left side.

    Returns:
        True for `evt.type`, also inside the functions that take one text.
    """
    while isinstance(left, Apply) and left.function in _KEEPS_NAME:
        inner = left.args[0]
        if not isinstance(inner, Use | Apply):
            return False
        left = inner
    return isinstance(left, Use) and left.ref.spec.name == "evt.type"


def _event_name(text: str) -> None:
    """Refuse a name that no event has.

    DIFFERENCE(sysdig 0.41.4): only where a whole name is meant; `contains` and its kin look for
    parts of names.
    """
    if text in EVENT_NAMES:
        return
    near = nearest(text, sorted(EVENT_NAMES), 3)
    msg = f"there is no event called {text!r}"
    raise values.BadValue(msg, near[0] if near else None, tuple(near))
