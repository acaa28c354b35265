"""Finding the route of a path: by its shape where it has one id, else as werkzeug does."""

import re
from collections.abc import Mapping
from typing import Any

from werkzeug.exceptions import MethodNotAllowed
from werkzeug.routing import MapAdapter, Rule

# Nine digits are always an id; what is longer may be too large for one.
_ONE_ID = re.compile(r"((?:/[a-z]+)+/)([1-9][0-9]{0,8})((?:/[a-z]+)*)")

# (method, path before the id, path after it): the rule, and the name of its id.
Shapes = dict[tuple[str, str, str], tuple[Rule, str]]


class ShapeAdapter(MapAdapter):
    """Takes the route that another path had which differed in the id alone."""

    def __init__(self, shapes: Shapes, *arguments: Any):
        super().__init__(*arguments)
        self._shapes = shapes

    def match(self, *arguments: Any, **named: Any) -> tuple[Any, Mapping[str, Any]]:
        """Return the rule, or its endpoint, and its arguments. Raises what werkzeug raises."""
        if arguments or named != {"return_rule": True}:
            return super().match(*arguments, **named)
        path = _ONE_ID.fullmatch(self.path_info)
        if not path:
            return self._match_any()
        before, number, after = path.groups()
        shape = self.default_method, before, after
        if shape not in self._shapes:
            rule, found = super().match(return_rule=True)
            if list(found.values()) != [int(number)]:
                return rule, found
            self._shapes[shape] = rule, *found
        rule, name = self._shapes[shape]
        return rule, {name: int(number)}

    def _match_any(self) -> tuple[Any, Mapping[str, Any]]:
        """Do as werkzeug does, but that what is no id is not found, whatever the method."""
        try:
            return super().match(return_rule=True)
        except MethodNotAllowed:
            # which it says before it asks whether an id is one
            super().match(method="GET")
            raise
