"""Makes Markdown of the roles in docstrings, for the site's reference: an extension of griffe."""

from __future__ import annotations

from typing import Any

import griffe

from tools.references import fields_told, linked, places


class Roles(griffe.Extension):
    """Rewrites every docstring that is read."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite the docstring of one object."""
        if obj.docstring is None:
            return
        obj.docstring.value = linked(obj.docstring.value, places())
        if obj.is_class and "__init__" not in obj.members:
            obj.docstring.value = fields_told(obj.docstring.value)
