"""Assignments, from the source notebook to feedback: all of it runs outside the student's kernel."""

import sys

# jsonschema, which nbformat brings, would take most of a second of each process to prepare a check nobody asks for
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
